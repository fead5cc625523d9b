"""What a student chose or was given, and the support that was offered."""

from django.db import models
from django.db.models import Q

from competencies.models import Competency
from students.models import District, Student, User


class Plan(models.Model):
    """How, with whom and by when a student works on a competency; the latest row is the plan."""

    id = models.BigAutoField(primary_key=True)
    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    student = models.ForeignKey(Student, models.PROTECT, related_name="plans")
    competency = models.ForeignKey(Competency, models.PROTECT, related_name="+")
    how = models.CharField(max_length=500, blank=True, default="")
    with_whom = models.CharField(max_length=300, blank=True, default="")
    due_on = models.DateField(null=True)
    chosen_by_student = models.BooleanField(default=True)
    recorded_at = models.DateTimeField(db_default=models.functions.Now())
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    dropped_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["student", "competency"], name="mastery_plan_pair")]

    def __str__(self) -> str:
        return f"Plan {self.pk}"


class SupportEvent(models.Model):
    """One step of support: needed, offered, chosen, begun, answered with new evidence, closed."""

    class Kind(models.TextChoices):
        NEEDED = "needed"
        OFFERED = "offered"
        CHOSEN = "chosen"
        BEGUN = "begun"
        ANSWERED = "answered"
        CLOSED = "closed"

    id = models.BigAutoField(primary_key=True)
    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    student = models.ForeignKey(Student, models.PROTECT, related_name="support")
    competency = models.ForeignKey(Competency, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    form = models.CharField(max_length=300, blank=True, default="")
    at = models.DateTimeField(db_default=models.functions.Now())
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    evidence = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="answered") | Q(evidence__isnull=False),
                name="mastery_support_answered_with_evidence",
            )
        ]
        indexes = [models.Index(fields=["student", "competency"], name="mastery_support_pair")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
