"""A named person's word about a pair. Append-only, like the ratings it stands beside."""

from django.db import models
from django.db.models import Q

from competencies.models import Competency
from students.models import District, Student, User


class Judgement(models.Model):
    """
    Confirmation or refusal, override or its end, reopening, prior standing, own target.

    ``saw_rating`` is the last rating that a confirmation or refusal saw. ``level`` is a
    position in the policy's scale. ``ends_at`` is the first instant at which it no longer
    lasts. Every one has a reason; the reason of an own target is private to staff.
    """

    class Kind(models.TextChoices):
        CONFIRMATION = "confirmation"
        REFUSAL = "refusal"
        OVERRIDE = "override"
        OVERRIDE_END = "override_end"
        REOPENING = "reopening"
        PRIOR_STANDING = "prior_standing"
        OWN_TARGET = "own_target"

    id = models.BigAutoField(primary_key=True)
    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    student = models.ForeignKey(Student, models.PROTECT, related_name="judgements")
    competency = models.ForeignKey(Competency, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind)
    saw_rating = models.BigIntegerField(null=True)
    mastered = models.BooleanField(null=True)
    level = models.PositiveSmallIntegerField(null=True)
    starts_on = models.DateField(null=True)
    ends_at = models.DateTimeField(null=True)
    source = models.CharField(max_length=300, blank=True, default="")  # of a prior standing
    reason = models.CharField(max_length=1000)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind__in=["confirmation", "refusal"]) | Q(saw_rating__isnull=False),
                name="mastery_judgement_saw_something",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["override", "prior_standing"])
                | Q(mastered__isnull=False)
                | Q(level__isnull=False),
                name="mastery_judgement_says_something",
            ),
            models.CheckConstraint(
                condition=~Q(kind="own_target") | Q(level__isnull=False),
                name="mastery_judgement_target_has_level",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="mastery_judgement_has_reason"),
        ]
        indexes = [models.Index(fields=["student", "competency"], name="mastery_judgement_pair")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
