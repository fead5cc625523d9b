"""Who is expected to work on what: the denominator of every share."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Q

from competencies import permissions
from competencies.models import Competency, Expectation
from competencies.queries.clock import database_clock
from students.models import Course, District, HistoryEntry, School, Section, Student, User
from students.problems import Summary

BATCH = 1000  # rows a statement
EXPECTATIONS = "expectations"


class ExpectationRefused(Exception):
    """The expectations cannot be set. The message is fit to show and says what to do."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Who is expected: exactly one of a course, a section, a grade of a school, a student."""

    course: Course | None = None
    section: Section | None = None
    school: School | None = None
    grade: str = ""
    student: Student | None = None

    def __post_init__(self) -> None:
        given = [self.course, self.section, self.school, self.student]
        if sum(each is not None for each in given) != 1:
            raise ExpectationRefused("Choose one of a course, a section, a grade or a student.")
        if (self.school is not None) != bool(self.grade):
            raise ExpectationRefused("Name a grade together with its school.")

    def columns(self) -> dict[str, Any]:
        return {
            "course": self.course,
            "section": self.section,
            "school": self.school,
            "grade": self.grade,
            "student": self.student,
        }

    def district_id(self) -> int:
        row = self.course or self.section or self.school or self.student
        assert row is not None
        return row.district_id


@transaction.atomic
def add_expectations(
    *,
    actor: User | None,
    district: District,
    competencies: Collection[Competency],
    expected: Expected,
    starts_on: date,
    ends_on: date | None = None,
    dry_run: bool = False,
) -> Summary:
    """
    From ``starts_on`` until the day before ``ends_on`` these are expected; return the summary.

    One that begins on the same day for the same is there already; another end becomes its end.
    Doing it again changes nothing. Six queries and one for each 1,000 rows written.

    :raises PermissionDenied: if ``actor`` may not set expectations in the district.
    :raises ExpectationRefused: if a competency is retired, not rated or of another district,
        the ones expected are of another district, or the last day is before the first.
    """
    permissions.check_can_set_expectations(actor, district=district, at=database_clock())
    _check(district, competencies, expected, starts_on, ends_on)
    columns = {"district": district, **expected.columns(), "starts_on": starts_on}
    ids = {competency.pk for competency in competencies}
    held = {row.competency_id: row for row in _held(columns).filter(competency__in=ids)}
    new = sorted(ids - held.keys())
    moved = [row.pk for row in held.values() if row.ends_on != ends_on]
    summary = _summary(created=len(new), changed=len(moved), held=len(held))
    if dry_run or not (new or moved):
        return summary
    Expectation.objects.filter(pk__in=moved).update(ends_on=ends_on)
    Expectation.objects.bulk_create(
        (
            Expectation(competency_id=each, ends_on=ends_on, created_by=actor, **columns)
            for each in new
        ),
        batch_size=BATCH,
        ignore_conflicts=True,  # somebody else made it this very moment
    )
    _remember(actor, district, expected, summary)
    return summary


def _held(columns: dict[str, Any]) -> Any:
    # filter(course=None) would be course = NULL in SQL, true of nothing; Django reads it as IS.
    return Expectation.objects.filter(**columns)


def _check(
    district: District,
    competencies: Iterable[Competency],
    expected: Expected,
    starts_on: date,
    ends_on: date | None,
) -> None:
    if ends_on is not None and ends_on <= starts_on:
        raise ExpectationRefused("The last day comes before the first; correct one of them.")
    if expected.district_id() != district.pk:
        raise ExpectationRefused(f"Those expected do not belong to {district}.")
    asked = Competency.objects.filter(pk__in=[each.pk for each in competencies])
    foreign = ~Q(framework__district=None) & ~Q(framework__district=district)
    for condition, why in (
        (Q(retired_at__isnull=False), "is retired"),
        (Q(is_rated=False), "is not rated; choose its parts"),
        (foreign, "belongs to another district"),
    ):
        if found := asked.filter(condition).first():
            raise ExpectationRefused(f"{found} {why}.")


def _summary(*, created: int, changed: int, held: int) -> Summary:
    summary = Summary()
    summary.count("created", EXPECTATIONS, created)
    summary.count("changed", EXPECTATIONS, changed)
    summary.count("unchanged", EXPECTATIONS, held - changed)
    return summary


def _remember(actor: User | None, district: District, expected: Expected, summary: Summary) -> None:
    named = {
        name: value.pk if hasattr(value, "pk") else value
        for name, value in expected.columns().items()
        if value
    }
    HistoryEntry.objects.create(
        district=district,
        actor=actor,
        action="add_expectations",
        object_type="expectation",
        after={**named, "summary": summary.as_dict()},
    )


__all__ = ["EXPECTATIONS", "ExpectationRefused", "Expected", "add_expectations"]
