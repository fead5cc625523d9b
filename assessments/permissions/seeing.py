"""
Which evidence and ratings a person may see.

Three ways, each judged per row and never merged into something a person *is*: staff, who see
what is not yet released too; the class somebody left within thirty days; the student and the
guardians, who see what is released and not voided.
"""

from datetime import datetime
from typing import Any

from django.db.models import DateField, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact

from assessments.models import Evidence, Rating
from students.models import Section, User
from students.models.relationships import LocalDay
from students.permissions import relations as of
from students.permissions.relations import AIDE, PRINCIPAL, SUBSTITUTE, TEACHERS, any_of, attending


def evidence_visible_to(user: User | None, at: datetime) -> QuerySet[Evidence]:
    """Return the pieces of evidence that ``user`` may open. One query."""
    if user is None:
        return Evidence.objects.all()
    rows = of.in_reach(Evidence.objects.all(), user, at, "student__")
    return rows.filter(_staff(user, at, "") | _family(user, at, ""))


def ratings_visible_to(user: User | None, at: datetime) -> QuerySet[Rating]:
    """Return the ratings that ``user`` may see; a voided one only as staff. One query."""
    if user is None:
        return Rating.objects.all()
    rows = of.in_reach(Rating.objects.all(), user, at, "student__")
    family = _family(user, at, "evidence__") & Q(voided_at__isnull=True)
    return rows.filter(_staff(user, at, "evidence__") | family)


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
    there = OuterRef(f"{school}_id")
    by_school, by_section = attending(at, school=there)
    is_here = Q(one__in=any_of(taught.values("student"), *attending(at, school__in=schools)))
    # The last two are also true of some who do not attend there: they are seen anyhow.
    return is_here & (
        Q(**{f"{school}__isnull": True})
        | ~(_exists(by_school) | _exists(by_section))
        | Q(**{f"{school}__in": schools})
        | _exists(taught.filter(section__school=there))
    )


def _exists(rows: QuerySet[Any], **more: Any) -> Q:
    """Test if one of ``rows`` is about the student of the row asked about."""
    return Q(Exists(rows.filter(student=OuterRef("one"), **more)))


def _of_covered_class(user: User, at: datetime, piece: str) -> Q:
    """
    Keep, for a substitute or aide, the work of that class since the section's term began.

    Where no term covers the day, today's alone. What one recorded outside any assessment counts
    as of the class.
    """
    since = Coalesce(_term_began(at), LocalDay("section__school__time_zone", at))
    covered = of.enrollments_taught(user, at, (SUBSTITUTE, AIDE)).alias(since=since)
    section = f"{piece}assessment__section"
    in_class = Q(**{f"{section}__isnull": False})
    # The section of the piece, or any where it has none.
    which = Coalesce(OuterRef(f"{section}_id"), F("section_id"))
    return (in_class | Q(**{f"{piece}recorded_by": user.pk})) & _exists(
        covered, since__lte=OuterRef("demonstrated_on"), section=which
    )


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
    left = of.enrollments_taught(user, at, TEACHERS, days_after=of.AFTER_LEAVING)
    in_class = Q(section=OuterRef(f"{piece}assessment__section_id"))
    own = Q(Exact(OuterRef(f"{piece}recorded_by_id"), user.pk))
    return _exists(left.filter(in_class | own))
