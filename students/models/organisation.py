"""Districts, schools, terms, courses and sections."""

import zoneinfo

from django.core.exceptions import ValidationError
from django.db import models

from students.models.fields import FromRoster, once_in_district, public_id


def validate_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"{name} is not a time zone; write one like Europe/Madrid.")


class District(models.Model):
    """The tenant: every row about a person belongs to exactly one. A lone school has its own."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    created_at = models.DateTimeField(db_default=models.functions.Now())

    def __str__(self) -> str:
        return self.name


class School(FromRoster):
    """A school, or another organisation of the roster (department, local, state) kept for it."""

    class OrgType(models.TextChoices):
        SCHOOL = "school"
        DEPARTMENT = "department"
        DISTRICT = "district"
        LOCAL = "local"
        STATE = "state"
        NATIONAL = "national"

    public_id = public_id()
    district = models.ForeignKey(District, models.PROTECT, related_name="schools")
    name = models.CharField(max_length=200)
    org_type = models.CharField(max_length=60, default=OrgType.SCHOOL)
    identifier = models.CharField(max_length=200, blank=True, default="")
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    language = models.CharField(max_length=20, default="en")

    class Meta:
        constraints = [once_in_district("school")]

    def __str__(self) -> str:
        return self.name


class Term(FromRoster):
    """A school year, term, semester or grading period; ``ends_on`` is the first day after it."""

    district = models.ForeignKey(District, models.PROTECT, related_name="terms")
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=60, default="term")
    starts_on = models.DateField()
    ends_on = models.DateField()
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True)
    school_year = models.PositiveSmallIntegerField()  # the year in which it ends

    class Meta:
        constraints = [
            once_in_district("term"),
            models.CheckConstraint(
                condition=models.Q(ends_on__gt=models.F("starts_on")),
                name="students_term_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Course(FromRoster):
    """What is taught; its sections teach it to somebody."""

    district = models.ForeignKey(District, models.PROTECT, related_name="courses")
    school = models.ForeignKey(School, models.PROTECT, related_name="courses")
    title = models.CharField(max_length=200)
    code = models.CharField(max_length=100, blank=True, default="")
    school_year = models.ForeignKey(Term, models.PROTECT, null=True, blank=True)
    grades = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [once_in_district("course")]

    def __str__(self) -> str:
        return self.title


class Section(FromRoster):
    """A class: some students, some teachers, a course, a school, its terms."""

    public_id = public_id()
    district = models.ForeignKey(District, models.PROTECT, related_name="sections")
    school = models.ForeignKey(School, models.PROTECT, related_name="sections")
    course = models.ForeignKey(Course, models.PROTECT, related_name="sections")
    title = models.CharField(max_length=200)
    code = models.CharField(max_length=100, blank=True, default="")
    kind = models.CharField(max_length=60, default="scheduled")
    grades = models.CharField(max_length=200, blank=True, default="")
    terms = models.ManyToManyField(Term, related_name="sections", blank=True)
    # A class recorded in another system still counts for who teaches whom.
    records_here = models.BooleanField(default=True)

    class Meta:
        constraints = [once_in_district("section")]

    def __str__(self) -> str:
        return self.title
