"""Who would vanish: a bad feed must not empty a school."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.db.models.functions import Coalesce

from students.actions.roster.sync import Run, retire
from students.models import (
    Course,
    District,
    Enrollment,
    School,
    SchoolEnrollment,
    SchoolRole,
    Section,
    TeachingAssignment,
)

MAX_SHARE = 5  # percent of a school's students that may vanish in one import
MAX_STUDENTS = 25

# For each school: who is enrolled there, and who is in a class of it.
Presence = dict[int, tuple[set[int], set[int]]]


@dataclass(frozen=True, slots=True)
class Departures:
    """How many students one school would lose. Numbers only; it goes into a record."""

    school_id: int
    sourced_id: str
    students: int  # now
    leaving: int  # no longer enrolled at the school
    leaving_classes: int  # still enrolled, in none of its classes any more

    @property
    def is_too_many(self) -> bool:
        gone = self.leaving + self.leaving_classes
        return gone > MAX_STUDENTS or gone * 100 > self.students * MAX_SHARE


def presence(district: District, at: datetime) -> Presence:
    """Return the students of each school on the day of ``at``. Two queries."""
    found: Presence = {}
    here = Q(district=district, student__user__deactivated_at__isnull=True)
    for school, student in _pairs(SchoolEnrollment, "school", here, at):
        found.setdefault(school, (set(), set()))[0].add(student)
    in_class = here & Q(section__deactivated_at__isnull=True)
    for school, student in _pairs(Enrollment, "section__school", in_class, at):
        found.setdefault(school, (set(), set()))[1].add(student)
    return found


def _pairs(
    model: type[SchoolEnrollment] | type[Enrollment], school: str, where: Q, at: datetime
) -> Iterator[tuple[int, int]]:
    # A duplicate that was merged is there as the one that was kept.
    person = Coalesce("student__merged_into", "student")
    rows = model.objects.active(at).filter(where).values_list(school, person)
    return rows.iterator(chunk_size=10_000)


def departures(before: Presence, after: Presence) -> tuple[Departures, ...]:
    """Return the schools that lose anyone, in the order of their ids."""
    found = []
    sourced_ids = dict(School.objects.filter(pk__in=before).values_list("pk", "sourced_id"))
    for school, (enrolled, in_class) in sorted(before.items()):
        still, still_in_class = after.get(school, (set(), set()))
        leaving = (enrolled | in_class) - still - still_in_class if not enrolled else set()
        leaving |= enrolled - still
        lost = Departures(
            school_id=school,
            sourced_id=sourced_ids[school],
            students=len(enrolled | in_class),
            leaving=len(leaving),
            leaving_classes=len((in_class - still_in_class) - leaving),
        )
        if lost.leaving or lost.leaving_classes:
            found.append(lost)
    return tuple(found)


def follow_departures(run: Run) -> None:
    """
    Deactivate what hangs on something deactivated: classes of a course, places of a person.

    Only where a package left the second file out; otherwise that has been said already.
    """
    gone = {"deactivated_at__isnull": False}

    def over(*names: str) -> Q:
        found = Q()
        for name in names:
            found |= Q(**{f"{name}__{rule}": value for rule, value in gone.items()})
        return found

    for kind, model, rule in (
        ("courses", Course, over("school")),
        ("classes", Section, over("school", "course")),
        ("roles", SchoolEnrollment, over("school", "student__user")),
        ("roles", SchoolRole, over("school", "user")),
        ("enrollments", Enrollment, over("section", "student__user")),
        ("enrollments", TeachingAssignment, over("section", "user")),
    ):
        rows = model._base_manager.filter(
            rule, district=run.district, deactivated_at__isnull=True
        ).exclude(sourced_id="")
        retire(run, kind, model, list(rows.values_list("pk", flat=True)))
