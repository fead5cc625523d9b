"""
Whom and what of ``students`` a person may see or change: one scope a kind of object.

Every scope takes the person, or None for the operator at the command line, and the aware instant
at which it is asked. Each is one query however much it covers; what is outside it is, for that
person, not there.
"""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from students.models import (
    District,
    Enrollment,
    Guardianship,
    School,
    SchoolEnrollment,
    SchoolRole,
    Section,
    Student,
    TeachingAssignment,
    User,
)
from students.models.relationships import Dated, DatedQuerySet
from students.permissions import relations as of
from students.permissions.relations import (
    ADMINISTRATOR,
    CLASS_STAFF,
    OFFICE,
    PRINCIPAL,
    REGISTRAR,
    Ids,
    any_of,
    attending,
    in_reach,
    tenant,
)


def _close_to(user: User, at: datetime, roles: tuple[str, ...]) -> Ids:
    """Return whom ``user`` has to do with, in person or by one of ``roles``."""
    schools = of.schools_held(user, at, roles).union(of.schools_elevated(user, at))
    return any_of(
        of.own_student(user, at),
        of.children(user, at),
        of.students_taught(user, at, CLASS_STAFF),
        of.caseload(user, at),
        *attending(at, school__in=schools),
    )


def _attended(model: type[Dated], user: User, at: datetime) -> QuerySet[Any]:
    """Return the enrolments of oneself, one's children and one's caseload."""
    close = any_of(of.own_student(user, at), of.children(user, at), of.caseload(user, at))
    return in_reach(DatedQuerySet(model).active(at), user, at, "student__").filter(one__in=close)


def students_visible_to(user: User | None, at: datetime) -> QuerySet[Student]:
    """
    Return the students whose profile ``user`` may open.

    Oneself; one's children until they are 18; those of the sections one works with; one's
    caseload; those of one's school for its principal, registrar and administrator, and for a
    district administrator while an elevation lasts.
    """
    if user is None:
        return Student.objects.all()
    close = _close_to(user, at, (PRINCIPAL, *OFFICE))
    return in_reach(Student.objects.all(), user, at).filter(one__in=close)


def of_students_known_to(
    rows: QuerySet[Any], user: User, at: datetime, path: str = "student__"
) -> QuerySet[Any]:
    """
    Keep the rows about students whose standing ``user`` may see: it is their business.

    As :func:`students_visible_to`, but not for the office, which keeps the roster alone.
    """
    return in_reach(rows, user, at, path).filter(one__in=_close_to(user, at, (PRINCIPAL,)))


def students_editable_by(user: User | None, at: datetime) -> QuerySet[Student]:
    """Return the students whose profile ``user`` may change: registrar, administrator."""
    if user is None:
        return Student.objects.all()
    of_school = any_of(*attending(at, school__in=of.schools_held(user, at, OFFICE)))
    return in_reach(Student.objects.all(), user, at).filter(one__in=of_school)


def students_taught_by(
    user: User, at: datetime, roles: tuple[str, ...], *, or_led: bool = False
) -> QuerySet[Student]:
    """
    Return the students in the sections that ``user`` teaches in one of ``roles``.

    With ``or_led`` also those of the school whose principal ``user`` is. For what is written:
    without duplicates, since everything new belongs to the student they were merged into.
    """
    ids = [of.students_taught(user, at, roles)]
    if or_led:
        ids += attending(at, school__in=of.schools_held(user, at, (PRINCIPAL,)))
    students = Student.objects.filter(merged_into__isnull=True)
    return in_reach(students, user, at).filter(one__in=any_of(*ids))


def sections_visible_to(user: User | None, at: datetime) -> QuerySet[Section]:
    """
    Return the sections that ``user`` may open; whom they see in one is another scope.

    Those one works with; those of oneself, one's children and caseload; those of one's school
    for its principal, registrar and administrator; those of the district for its administrator.
    """
    if user is None:
        return Section.objects.all()
    schools = of.schools_held(user, at, (PRINCIPAL, *OFFICE))
    of_schools = Section.objects.filter(school__in=schools)
    of_district = Section.objects.filter(district__in=of.districts_administered(user, at))
    return Section.objects.filter(
        district_id=tenant(user),
        pk__in=any_of(
            of.sections_taught(user, at, CLASS_STAFF),
            _attended(Enrollment, user, at).values("section"),
            of_schools.values("id"),
            of_district.values("id"),
        ),
    )


def schools_visible_to(user: User | None, at: datetime) -> QuerySet[School]:
    """
    Return the schools that ``user`` may open.

    Those of one's sections, where oneself, one's children or caseload go, where one holds a role
    that gives access; all of the district for its administrator.
    """
    if user is None:
        return School.objects.all()
    of_district = School.objects.filter(district__in=of.districts_administered(user, at))
    return School.objects.filter(
        district_id=tenant(user),
        pk__in=any_of(
            sections_visible_to(user, at).values("school"),
            _attended(SchoolEnrollment, user, at).values("school"),
            of.schools_held(user, at, (PRINCIPAL, REGISTRAR, ADMINISTRATOR)),
            of_district.values("id"),
        ),
    )


def people_visible_to(user: User | None, at: datetime) -> QuerySet[User]:
    """
    Return the people whose name ``user`` may see.

    Oneself, the students one may see, who teaches the sections one may open. The principal,
    the registrar and the administrator see also the staff and the guardians of their school:
    a guardian never sees another guardian.
    """
    if user is None:
        return User.objects.all()
    schools = of.schools_held(user, at, (PRINCIPAL, *OFFICE))
    students = students_visible_to(user, at)
    sections = sections_visible_to(user, at)
    teaching = (
        DatedQuerySet(TeachingAssignment).active(at).filter(section__in=sections.values("id"))
    )
    staff = DatedQuerySet(SchoolRole).active(at).filter(school__in=schools)
    pupils = any_of(*attending(at, school__in=schools))
    guardians = in_reach(DatedQuerySet(Guardianship).active(at), user, at, "student__").filter(
        one__in=pupils
    )
    oneself = User.objects.filter(of.active_person(at), pk=user.pk)
    return User.objects.filter(
        district_id=tenant(user),
        pk__in=any_of(
            oneself.values("id"),
            students.values("user"),
            teaching.values("user"),
            staff.values("user"),
            guardians.values("user"),
        ),
    )


def districts_administered_by(user: User | None, at: datetime) -> QuerySet[District]:
    """Return the districts whose frameworks, policies and aggregates are ``user``'s to keep."""
    if user is None:
        return District.objects.all()
    return District.objects.filter(pk=tenant(user), pk__in=of.districts_administered(user, at))


def schools_led_by(user: User | None, at: datetime) -> QuerySet[School]:
    """Return the schools whose principal ``user`` is."""
    if user is None:
        return School.objects.all()
    return School.objects.filter(
        district_id=tenant(user), pk__in=of.schools_held(user, at, (PRINCIPAL,))
    )
