"""Tasks that can give evidence. Editing one never changes what was recorded from it."""

from django.db import models

from assessments.models.codes import Kind, Modality, Purpose, Setting
from competencies.models import Competency
from students.models import District, Section, User
from students.models.fields import public_id


class Assessment(models.Model):
    """A task: its title, what it is for, where it is done, the competencies it can show."""

    public_id = public_id()
    district = models.ForeignKey(District, models.PROTECT, related_name="assessments")
    section = models.ForeignKey(Section, models.PROTECT, null=True, related_name="assessments")
    title = models.CharField(max_length=300)
    kind = models.SmallIntegerField(choices=Kind, default=Kind.ASSIGNMENT)
    purpose = models.SmallIntegerField(choices=Purpose, default=Purpose.SUMMATIVE)
    application = models.BooleanField(default=False)  # asks to apply, not to repeat
    setting = models.SmallIntegerField(choices=Setting, null=True, blank=True)
    modality = models.SmallIntegerField(choices=Modality, null=True, blank=True)
    given_on = models.DateField(null=True, blank=True)
    competencies = models.ManyToManyField(
        Competency, through="AssessmentCompetency", related_name="assessments"
    )
    created_at = models.DateTimeField(db_default=models.functions.Now())
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    retired_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.title


class AssessmentCompetency(models.Model):
    """A competency that an assessment can show."""

    assessment = models.ForeignKey(Assessment, models.CASCADE, related_name="links")
    competency = models.ForeignKey(Competency, models.PROTECT, related_name="+")
    required = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "competency"], name="assessments_competency_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.assessment_id} can show {self.competency_id}"


class AssessmentPart(models.Model):
    """A part of an assessment, such as one page of it."""

    assessment = models.ForeignKey(Assessment, models.CASCADE, related_name="parts")
    name = models.CharField(max_length=200)
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "position"], name="assessments_part_position_once"
            )
        ]

    def __str__(self) -> str:
        return self.name
