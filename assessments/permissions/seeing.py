"""
Which evidence and ratings a person may see.

Three ways, each judged per row and never merged into something a person *is*: staff, who see
what is not yet released too; the class somebody left within thirty days; the student and the
guardians, who see what is released and not voided.
"""

from datetime import datetime
from typing import TypeVar

from django.db.models import DateField, Exists, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from assessments.models import Evidence, Rating
from students.models import Section, User
from students.models.relationships import LocalDay
from students.permissions import relations as of
from students.permissions.relations import AIDE, PRINCIPAL, SUBSTITUTE, TEACHERS, any_of, attending

Row = TypeVar("Row", bound=Model)


def evidence_visible_to(user: User | None, at: datetime) -> QuerySet[Evidence]:
    """Return the pieces of evidence that ``user`` may open. One query."""
    if user is None:
        return Evidence.objects.all()
    rows = in_reach(Evidence.objects.all(), user, at)
    return rows.filter(_staff(user, at, "") | _family(user, at, ""))


def ratings_visible_to(user: User | None, at: datetime) -> QuerySet[Rating]:
    """Return the ratings that ``user`` may see; a voided one only as staff. One query."""
    if user is None:
        return Rating.objects.all()
    rows = in_reach(Rating.objects.all(), user, at)
    family = _family(user, at, "evidence__") & Q(voided_at__isnull=True)
    return rows.filter(_staff(user, at, "evidence__") | family)


def in_reach(rows: QuerySet[Row], user: User, at: datetime) -> QuerySet[Row]:
    """
    Keep what is of the person's district and of nobody denied to them.

    Names ``one``, the student a row is about, so that a duplicate's evidence is seen by who
    sees the student it was merged into.
    """
    return (
        rows.filter(district_id=user.district_id)
        .alias(one=of.same_person("student__"))
        .exclude(one__in=of.restricted(user, at))
    )


def _family(user: User, at: datetime, piece: str) -> Q:
    """Keep the released work of oneself and one's children. ``piece`` leads to the evidence."""
    mine = any_of(of.own_student(user, at), of.children(user, at))
    return Q(one__in=mine, **{f"{piece}released_at__lte": at})


def _staff(user: User, at: datetime, piece: str) -> Q:
    return (
        Q(one__in=of.caseload(user, at))
        | _of_whole_student(user, at, piece)
        | _of_covered_class(user, at, piece)
        | _of_class_left(user, at, piece)
    )


def _of_whole_student(user: User, at: datetime, piece: str) -> Q:
    """
    Keep the work of those taught, led or looked at by elevation, whatever class it is from.

    But of a student who attends another school beside this one, not the other school's.
    """
    school = f"{piece}assessment__section__school"
    schools = of.schools_held(user, at, (PRINCIPAL,)).union(of.schools_elevated(user, at))
    taught = of.enrollments_taught(user, at, TEACHERS)
    taught_there = taught.filter(student=OuterRef("one"), section__school=OuterRef(f"{school}_id"))
    by_school, by_section = attending(at, school=OuterRef(f"{school}_id"))
    attends_there = Q(Exists(by_school.filter(student=OuterRef("one")))) | Q(
        Exists(by_section.filter(student=OuterRef("one")))
    )
    of_no_other = Q(**{f"{school}__isnull": True}) | ~attends_there
    return (Q(one__in=taught.values("student")) & (of_no_other | Q(Exists(taught_there)))) | (
        Q(one__in=any_of(*attending(at, school__in=schools)))
        & (of_no_other | Q(**{f"{school}__in": schools}))
    )


def _of_covered_class(user: User, at: datetime, piece: str) -> Q:
    """
    Keep, for a substitute or aide, the work of that class since the section's term began.

    Where no term covers the day, today's alone. What one recorded outside any assessment counts
    as of the class.
    """
    covered = (
        of.enrollments_taught(user, at, (SUBSTITUTE, AIDE))
        .filter(student=OuterRef("one"))
        .alias(since=Coalesce(_term_began(at), LocalDay("section__school__time_zone", at)))
        .filter(since__lte=OuterRef("demonstrated_on"))
    )
    section = f"{piece}assessment__section"
    own = Q(**{f"{section}__isnull": True, f"{piece}recorded_by": user.pk})
    return Q(Exists(covered.filter(section=OuterRef(f"{section}_id")))) | own & Q(Exists(covered))


def _term_began(at: datetime) -> Subquery:
    """Return the first day of the section's term at ``at``: the latest begun, where several are."""
    terms = Section.terms.through.objects.filter(
        section=OuterRef("section"),
        term__starts_on__lte=LocalDay("section__school__time_zone", at),
        term__ends_on__gt=LocalDay("section__school__time_zone", at),
    )
    first_days = terms.order_by("-term__starts_on").values("term__starts_on")
    return Subquery(first_days[:1], output_field=DateField())


def _of_class_left(user: User, at: datetime, piece: str) -> Q:
    """Keep, for the teachers of a class, what was done in it by who left it a short while ago."""
    left = of.enrollments_taught(user, at, TEACHERS, days_after=of.AFTER_LEAVING).filter(
        student=OuterRef("one")
    )
    section = f"{piece}assessment__section"
    in_class = Exists(left.filter(section=OuterRef(f"{section}_id")))
    return Q(in_class) | Q(**{f"{piece}recorded_by": user.pk}) & Q(Exists(left))
