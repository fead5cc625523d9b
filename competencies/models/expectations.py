"""Who works on what, from when to when: the denominator of every share."""

from django.db import models
from django.db.models import F, Q

from competencies.models.frameworks import Competency
from students.models import Course, District, School, Section, Student, User


class Expectation(models.Model):
    """
    A course, section, grade of a school, or single student works on a competency.

    Exactly one of the four; in force when ``starts_on <= day < ends_on``.
    """

    district = models.ForeignKey(District, models.PROTECT, related_name="expectations")
    competency = models.ForeignKey(Competency, models.PROTECT, related_name="expectations")
    course = models.ForeignKey(Course, models.PROTECT, null=True, related_name="expectations")
    section = models.ForeignKey(Section, models.PROTECT, null=True, related_name="expectations")
    school = models.ForeignKey(School, models.PROTECT, null=True, related_name="expectations")
    grade = models.CharField(max_length=20, blank=True, default="")  # of ``school``
    student = models.ForeignKey(Student, models.PROTECT, null=True, related_name="expectations")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(course__isnull=False, section=None, school=None, student=None, grade="")
                | Q(section__isnull=False, course=None, school=None, student=None, grade="")
                | (Q(school__isnull=False, course=None, section=None, student=None) & ~Q(grade=""))
                | Q(student__isnull=False, course=None, section=None, school=None, grade=""),
                name="competencies_expectation_of_one",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gt=F("starts_on")),
                name="competencies_expectation_lasts",
            ),
            models.UniqueConstraint(
                fields=[
                    *("district", "competency", "course", "section", "school", "grade"),
                    *("student", "starts_on"),
                ],
                nulls_distinct=False,
                name="competencies_expectation_once",
            ),
        ]
        indexes = [models.Index(fields=["district", "competency"], name="competencies_expected")]

    def __str__(self) -> str:
        return f"Expectation {self.pk}"
