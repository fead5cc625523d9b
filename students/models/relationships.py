"""
Dated relationships: the only thing that gives access.

A relationship is active on a day when ``starts_on <= day < ends_on`` (an empty start or end is
open) and it has not been deactivated. The day is the school's, so that a substitute's access
ends at midnight where the school is.
"""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from students.models.fields import FromRoster, once_in_district
from students.models.organisation import District, School, Section
from students.models.people import Student, User


class LocalDay(models.Func):
    """The calendar day of an instant, less so many days, in a time zone held by a column."""

    function = "timezone"
    template = "((%(function)s(%(expressions)s))::date - %(days_before)d)"
    output_field = models.DateField()

    def __init__(self, zone: str, at: datetime | F, *, days_before: int = 0) -> None:
        instant = at if isinstance(at, F) else models.Value(at, models.DateTimeField())
        super().__init__(F(zone), instant, days_before=days_before)


def in_force(zone: str, at: datetime, *, path: str = "", days_after: int = 0) -> Q:
    """
    Keep the relationships in force at ``at``, by the day in the time zone of column ``zone``.

    ``path`` leads to the relationship, such as ``section__teaching__``. With ``days_after`` also
    those that had begun and ended at most so many days before.
    """
    starts, ends, gone = f"{path}starts_on", f"{path}ends_on", f"{path}deactivated_at"
    ended_after = LocalDay(zone, at, days_before=days_after)
    long_ago = at - timedelta(days=days_after)
    lasts = (
        (Q(**{f"{starts}__isnull": True}) | Q(**{f"{starts}__lte": LocalDay(zone, at)}))
        & (Q(**{f"{ends}__isnull": True}) | Q(**{f"{ends}__gt": ended_after}))
        & (Q(**{f"{gone}__isnull": True}) | Q(**{f"{gone}__gt": long_ago}))
    )
    if not days_after:
        return lasts
    # An empty one (ended on the day it began) never was; without days after it is out already.
    empty = Q(**{f"{starts}__isnull": False, f"{ends}__isnull": False, f"{ends}__lte": F(starts)})
    return lasts & ~empty


class DatedQuerySet(models.QuerySet[Any]):
    def active(self, at: datetime, *, days_after: int = 0) -> Self:
        """Keep the relationships in force at ``at``; see :func:`in_force`."""
        return self.filter(in_force(self.model.zone, at, days_after=days_after))


class Dated(FromRoster):
    zone: ClassVar[str]  # path to the column with the time zone that the days are in

    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        abstract = True


def ends_after_start(model: str) -> models.CheckConstraint:
    """Return the rule that a relationship lasts; an empty one (same day) never was."""
    return models.CheckConstraint(
        condition=Q(ends_on__gte=Coalesce(F("starts_on"), F("ends_on"))) | Q(ends_on__isnull=True),
        name=f"students_{model}_ends_after_start",
    )


class TeachingAssignment(Dated):
    """Somebody works with a section. Only the first four kinds give access."""

    class Role(models.TextChoices):
        LEAD = "lead"
        CO_TEACHER = "co_teacher"
        SUBSTITUTE = "substitute"
        AIDE = "aide"
        PROCTOR = "proctor"
        ADMINISTRATOR = "administrator"

    zone = "section__school__time_zone"

    section = models.ForeignKey(Section, models.PROTECT, related_name="teaching")
    user = models.ForeignKey(User, models.PROTECT, related_name="teaching")
    role = models.CharField(max_length=20, choices=Role, default=Role.LEAD)

    class Meta:
        constraints = [once_in_district("teaching"), ends_after_start("teaching")]
        indexes = [models.Index(fields=["user", "section"], name="students_teaching_user")]

    def __str__(self) -> str:
        return f"{self.role} {self.user_id} of section {self.section_id}"


class Enrollment(Dated):
    """A student is in a section."""

    zone = "section__school__time_zone"

    section = models.ForeignKey(Section, models.PROTECT, related_name="enrollments")
    student = models.ForeignKey(Student, models.PROTECT, related_name="enrollments")

    class Meta:
        constraints = [once_in_district("enrollment"), ends_after_start("enrollment")]
        indexes = [models.Index(fields=["student", "section"], name="students_enrollment_student")]

    def __str__(self) -> str:
        return f"Student {self.student_id} in section {self.section_id}"


class SchoolEnrollment(Dated):
    """A student is in a school, in a grade."""

    zone = "school__time_zone"

    school = models.ForeignKey(School, models.PROTECT, related_name="enrollments")
    student = models.ForeignKey(Student, models.PROTECT, related_name="school_enrollments")
    grade = models.CharField(max_length=20, blank=True, default="")

    class Meta:
        constraints = [once_in_district("school_enrollment"), ends_after_start("school_enr")]
        indexes = [
            models.Index(fields=["student", "school"], name="students_school_enr_student"),
            models.Index(fields=["school", "grade"], name="students_school_enr_grade"),
        ]

    def __str__(self) -> str:
        return f"Student {self.student_id} at school {self.school_id}"


class SchoolRole(Dated):
    """
    What somebody is at a school or other organisation of the roster.

    Principal and registrar give access to their school. The administrator roles give access
    only once a person granted them (``granted_by``): a roster can never make administrators.
    Every other role is kept for the exchange and gives nothing.
    """

    class Role(models.TextChoices):
        PRINCIPAL = "principal"
        REGISTRAR = "registrar"
        ADMINISTRATOR = "administrator"
        DISTRICT_ADMINISTRATOR = "district_administrator"

    zone = "school__time_zone"

    school = models.ForeignKey(School, models.PROTECT, related_name="roles")
    user = models.ForeignKey(User, models.PROTECT, related_name="school_roles")
    role = models.CharField(max_length=60)
    granted_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [once_in_district("school_role"), ends_after_start("school_role")]
        indexes = [models.Index(fields=["user", "role"], name="students_school_role_user")]

    def __str__(self) -> str:
        return f"{self.role} {self.user_id} at school {self.school_id}"


class Caseload(Dated):
    """A counsellor, case manager or adviser looks after a student."""

    class Role(models.TextChoices):
        COUNSELLOR = "counsellor"
        CASE_MANAGER = "case_manager"
        ADVISER = "adviser"

    zone = "district__time_zone"

    user = models.ForeignKey(User, models.PROTECT, related_name="caseload")
    student = models.ForeignKey(Student, models.PROTECT, related_name="caseloads")
    role = models.CharField(max_length=20, choices=Role)

    class Meta:
        constraints = [ends_after_start("caseload")]
        indexes = [models.Index(fields=["user", "student"], name="students_caseload_user")]

    def __str__(self) -> str:
        return f"{self.role} {self.user_id} of student {self.student_id}"


class Guardianship(Dated):
    """A guardian of a student."""

    zone = "district__time_zone"

    user = models.ForeignKey(User, models.PROTECT, related_name="guardianships")
    student = models.ForeignKey(Student, models.PROTECT, related_name="guardianships")
    relation = models.CharField(max_length=60, blank=True, default="")

    class Meta:
        constraints = [ends_after_start("guardianship")]
        indexes = [models.Index(fields=["user", "student"], name="students_guardianship_user")]

    def __str__(self) -> str:
        return f"Guardian {self.user_id} of student {self.student_id}"


class Restriction(Dated):
    """
    A court order or other binding paper: this person may not see this student.

    Deny wins over every relationship, also over the person's job at the school.
    """

    zone = "district__time_zone"

    user = models.ForeignKey(User, models.PROTECT, related_name="restrictions")
    student = models.ForeignKey(Student, models.PROTECT, related_name="restrictions")
    document = models.CharField(max_length=300)  # where the paper is filed

    class Meta:
        constraints = [ends_after_start("restriction")]
        indexes = [models.Index(fields=["user", "student"], name="students_restriction_user")]

    def __str__(self) -> str:
        return f"Restriction {self.pk}"
