"""
What a person is to whom on a day: the sub-queries that every scope is put together from.

Each gives ids for one kind of relationship, already dated, already of an active person, already
within the person's district. Scopes of other apps use them and look at no relationship
themselves. None of them costs a query: they run inside the scope's one.
"""

from datetime import datetime
from typing import Any

from django.db.models import DateField, F, Func, Q, QuerySet
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan

from students.models import (
    Caseload,
    Elevation,
    Enrollment,
    Guardianship,
    Restriction,
    SchoolEnrollment,
    SchoolRole,
    Student,
    TeachingAssignment,
    User,
)
from students.models.relationships import Dated, DatedQuerySet, LocalDay, in_force

Ids = QuerySet[Any, Any]  # one column of ids

LEAD = TeachingAssignment.Role.LEAD
CO_TEACHER = TeachingAssignment.Role.CO_TEACHER
SUBSTITUTE = TeachingAssignment.Role.SUBSTITUTE
AIDE = TeachingAssignment.Role.AIDE
TEACHERS = (LEAD, CO_TEACHER)
RECORDERS = (*TEACHERS, SUBSTITUTE)
CLASS_STAFF = (*RECORDERS, AIDE)

PRINCIPAL = SchoolRole.Role.PRINCIPAL
REGISTRAR = SchoolRole.Role.REGISTRAR
ADMINISTRATOR = SchoolRole.Role.ADMINISTRATOR
DISTRICT_ADMINISTRATOR = SchoolRole.Role.DISTRICT_ADMINISTRATOR
OFFICE = (REGISTRAR, ADMINISTRATOR)

# How long a teacher may still read what a student did in the class that the student left.
AFTER_LEAVING = 30  # days


class EighteenthBirthday(Func):
    """The day somebody turns 18; who was born on 29 February does on the 28th."""

    template = "(%(expressions)s + interval '18 years')::date"
    output_field = DateField()


def tenant(user: User) -> Any:
    """Return the id of the person's district. None, of nobody's, matches no row that has one."""
    return user.district_id


def active_person(at: datetime, path: str = "") -> Q:
    """Keep rows whose person (at ``path``, such as ``user__``) may use the product at ``at``."""
    gone = f"{path}deactivated_at"
    return Q(**{f"{path}is_active": True}) & (
        Q(**{f"{gone}__isnull": True}) | Q(**{f"{gone}__gt": at})
    )


def _own(model: type[Dated], user: User, at: datetime) -> DatedQuerySet:
    """Return the relationships of ``user`` in force; a person of no district has none."""
    return (
        DatedQuerySet(model)
        .active(at)
        .filter(active_person(at, "user__"), user_id=user.pk, district_id=tenant(user))
    )


def same_person(path: str = "") -> Coalesce:
    """
    Return the student that a row is about: for a duplicate, the one it was merged into.

    ``path`` leads from the row to the student, such as ``student__``. Merging keeps duplicates
    flat: what others were merged into is never itself merged.
    """
    return Coalesce(f"{path}merged_into_id", f"{path}id")


def restricted(user: User, at: datetime) -> Ids:
    """Return the students whom ``user`` may not see whatever else holds. Deny wins."""
    # Not by _own: a restriction binds whoever it names, in any district, deactivated or not.
    rows = DatedQuerySet(Restriction).active(at).filter(user_id=user.pk)
    return rows.values(one=same_person("student__"))


def in_reach(rows: QuerySet[Any], user: User, at: datetime, path: str = "") -> QuerySet[Any]:
    """
    Keep the rows of the person's district that are about its students, none denied to them.

    ``path`` leads to the student. Names ``one``, the student that a row is about, so that a
    duplicate is seen by who sees the student it was merged into.
    """
    inside: QuerySet[Any] = rows.filter(
        **{"district_id": tenant(user), f"{path}district_id": tenant(user)}
    )
    named: QuerySet[Any] = inside.alias(one=same_person(path))
    return named.exclude(one__in=restricted(user, at))


def sections_taught(user: User, at: datetime, roles: tuple[str, ...]) -> Ids:
    return _own(TeachingAssignment, user, at).filter(role__in=roles).values("section")


def enrollments_taught(
    user: User, at: datetime, roles: tuple[str, ...], *, days_after: int = 0
) -> DatedQuerySet:
    """
    Return the enrolments in the sections that ``user`` teaches in one of ``roles``.

    With ``days_after`` also those that ended fewer days ago. A row may come twice.
    """
    # One join instead of a sub-query: this is inside nearly every scope.
    teaching = "section__teaching__"
    mine = {"user": user.pk, "district": tenant(user), "role__in": roles}
    return (
        DatedQuerySet(Enrollment)
        .active(at, days_after=days_after)
        .filter(
            in_force(Enrollment.zone, at, path=teaching),
            active_person(at, f"{teaching}user__"),
            **{f"{teaching}{name}": value for name, value in mine.items()},
        )
    )


def students_taught(user: User, at: datetime, roles: tuple[str, ...]) -> Ids:
    return enrollments_taught(user, at, roles).values("student")


def own_student(user: User, at: datetime) -> Ids:
    """Return the student that ``user`` is."""
    return Student.objects.filter(active_person(at, "user__"), user_id=user.pk).values("id")


def children(user: User, at: datetime) -> Ids:
    """Return the students whose guardian ``user`` is; at 18 the rights are the student's own."""
    # Where no birth date is known the guardianship's own dates decide.
    turns_18 = EighteenthBirthday(F("student__attributes__birth_date"))
    minor = Q(student__attributes__birth_date__isnull=True) | Q(
        GreaterThan(turns_18, LocalDay(Guardianship.zone, at))
    )
    return _own(Guardianship, user, at).filter(minor).values("student")


def wards(user: User, at: datetime) -> Ids:
    """Return the students whose guardian ``user`` is, of whatever age, duplicates resolved."""
    return _own(Guardianship, user, at).values(one=same_person("student__"))


def caseload(user: User, at: datetime) -> Ids:
    return _own(Caseload, user, at).values("student")


def _roles(user: User, at: datetime, roles: tuple[str, ...]) -> DatedQuerySet:
    """Keep the roles held; one as administrator counts only where a person granted it."""
    given = Q(role__in=(PRINCIPAL, REGISTRAR)) | Q(granted_by__isnull=False)
    return _own(SchoolRole, user, at).filter(given, role__in=roles)


def schools_held(user: User, at: datetime, roles: tuple[str, ...]) -> Ids:
    """Return the schools where ``user`` holds one of ``roles``."""
    return _roles(user, at, roles).values("school")


def districts_administered(user: User, at: datetime) -> Ids:
    held = _roles(user, at, (DISTRICT_ADMINISTRATOR,))
    return held.filter(school__district_id=tenant(user)).values("school__district")


def schools_elevated(user: User, at: datetime) -> Ids:
    """Return the schools at which a district administrator may look for now, with a reason."""
    return Elevation.objects.filter(
        user_id=user.pk,
        starts_at__lte=at,
        ends_at__gt=at,
        school__district__in=districts_administered(user, at),
    ).values("school")


def attending(at: datetime, **where: Any) -> tuple[Ids, Ids]:
    """
    Return who attends a school, as two columns of ids: by enrolment in it, or in its sections.

    ``where`` filters by the school: ``school__in=…`` or ``school=OuterRef(…)``.
    """
    by_section = {f"section__{key}": value for key, value in where.items()}
    return (
        DatedQuerySet(SchoolEnrollment).active(at).filter(**where).values("student"),
        DatedQuerySet(Enrollment).active(at).filter(**by_section).values("student"),
    )


def any_of(*ids: Ids) -> Ids:
    """
    Return the ids of all of ``ids`` in one column.

    A union and not an OR: PostgreSQL starts from a union and reads the few rows it names, and
    would try every row of the table against an OR.
    """
    first, *others = ids
    return first.union(*others, all=True)
