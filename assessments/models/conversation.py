"""What people say and hand in around a piece: append-only, a newer row replaces an older."""

from django.db import models

from assessments.models.assessments import Assessment
from assessments.models.evidence import Evidence
from competencies.models import Competency
from students.models import District, Student, User


class Said(models.Model):
    """Text by a person about a piece; ``replaces`` names the wording it takes the place of."""

    id = models.BigAutoField(primary_key=True)
    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    evidence = models.ForeignKey(Evidence, models.PROTECT, related_name="+")
    text = models.TextField()
    said_at = models.DateTimeField(db_default=models.functions.Now())
    said_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    replaces = models.OneToOneField("self", models.PROTECT, null=True, related_name="+")

    class Meta:
        abstract = True


class Feedback(Said):
    """What the student can act on; families see it where the teacher shares it."""

    shared_with_family = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"Feedback {self.pk}"


class Comment(Said):
    """A word between the people around a piece."""

    staff_only = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"Comment {self.pk}"


class Artefact(models.Model):
    """A file or link that belongs to a piece; the content is named by its hash."""

    id = models.BigAutoField(primary_key=True)
    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    evidence = models.ForeignKey(Evidence, models.PROTECT, related_name="artefacts")
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)
    url = models.URLField(max_length=1000, blank=True, default="")
    added_at = models.DateTimeField(db_default=models.functions.Now())
    added_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"Artefact {self.pk}"


class SelfAssessment(models.Model):
    """The student's own view of a piece on a competency: shown beside, never averaged in."""

    id = models.BigAutoField(primary_key=True)
    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    student = models.ForeignKey(Student, models.PROTECT, related_name="+")
    competency = models.ForeignKey(Competency, models.PROTECT, related_name="+")
    evidence = models.ForeignKey(Evidence, models.PROTECT, null=True, related_name="+")
    level = models.PositiveSmallIntegerField(null=True)  # position in the policy's scale
    text = models.TextField(blank=True, default="")
    recorded_at = models.DateTimeField(db_default=models.functions.Now())

    def __str__(self) -> str:
        return f"Self-assessment {self.pk}"


class Submission(models.Model):
    """What a student handed in for an assessment, and when; a newer one does not remove it."""

    id = models.BigAutoField(primary_key=True)
    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    assessment = models.ForeignKey(Assessment, models.PROTECT, related_name="submissions")
    student = models.ForeignKey(Student, models.PROTECT, related_name="submissions")
    text = models.TextField(blank=True, default="")
    handed_in_at = models.DateTimeField(db_default=models.functions.Now())
    evidence = models.ForeignKey(Evidence, models.PROTECT, null=True, related_name="+")

    def __str__(self) -> str:
        return f"Submission {self.pk}"
