"""Standing and what led to it: derived from the logs, and rebuilt from them at any time."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from competencies.models import Competency
from students.models import District, Student


class MasteryState(models.Model):
    """
    The standing of a student on a competency. Derived; ``recompute`` alone writes it.

    A row exists where there is a rating, a judgement, or a child with one. ``decision`` is
    no_evidence, not_yet, awaiting_confirmation, mastered, or none (describe only); ``basis``
    is what a mastered one rests on. Levels are positions in the policy's scale; ``estimate``
    is in 1/10,000 of a point, rounded half up, for display only: nothing is decided by it.
    ``valid_until`` is the next instant at which it changes with no new row.
    """

    pk = models.CompositePrimaryKey("student_id", "competency_id")
    student = models.ForeignKey(Student, models.PROTECT, related_name="states", db_index=False)
    competency = models.ForeignKey(Competency, models.PROTECT, related_name="+")
    district = models.ForeignKey(
        District, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    decision = models.CharField(max_length=24)
    basis = models.CharField(max_length=16)
    level = models.SmallIntegerField(null=True)
    shown_level = models.SmallIntegerField(null=True)
    shown = models.JSONField(default=dict)  # the other facts of how it is shown
    provisional = models.BooleanField(default=False)
    estimate = models.IntegerField(null=True)
    counted = models.SmallIntegerField(default=0)
    not_counted = models.SmallIntegerField(default=0)
    children_have = models.SmallIntegerField(null=True)  # k of "k of n", roll-ups only
    children_need = models.SmallIntegerField(null=True)
    children_total = models.SmallIntegerField(null=True)
    unmet = ArrayField(models.CharField(max_length=30), default=list)
    next_step = models.JSONField(default=dict)
    mastered_on = models.DateField(null=True)
    refresh_on = models.DateField(null=True)
    look_again_on = models.DateField(null=True)
    valid_until = models.DateTimeField(null=True)
    policy_version = models.ForeignKey(
        "competencies.PolicyVersion",
        models.PROTECT,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    target = models.SmallIntegerField(null=True)
    inputs_hash = models.BigIntegerField()
    engine_version = models.SmallIntegerField()
    computed_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["valid_until"],
                condition=Q(valid_until__isnull=False),
                name="mastery_state_due",
            )
        ]

    def __str__(self) -> str:
        return f"State of {self.student_id} on {self.competency_id}"


class Advancement(models.Model):
    """
    The logged fact that a pair became mastered, was redated, or was reopened.

    Numbered per pair from 1. Append-only: a log that says otherwise later gets a new row.
    ``pieces`` are the pieces of evidence it rests on, ``deciding`` those that carried it.
    """

    id = models.BigAutoField(primary_key=True)
    district = models.ForeignKey(
        District, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    student = models.ForeignKey(
        Student, models.PROTECT, related_name="advancements", db_index=False
    )
    competency = models.ForeignKey(Competency, models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10)
    basis = models.CharField(max_length=16)
    mastered_on = models.DateField(null=True)
    decided_at = models.DateTimeField()
    cause = models.CharField(max_length=20)
    cause_id = models.BigIntegerField(null=True)
    policy_version = models.IntegerField(null=True)
    target = models.SmallIntegerField(null=True)
    pieces = ArrayField(models.BigIntegerField(), default=list)
    deciding = ArrayField(models.BigIntegerField(), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["district", "student", "competency", "number"],
                name="mastery_advancement_once",
            )
        ]
        indexes = [models.Index(fields=["student", "competency"], name="mastery_advancement_pair")]

    def __str__(self) -> str:
        return f"{self.kind} {self.number} of {self.student_id} on {self.competency_id}"


class Opening(models.Model):
    """The fact that a competency opened for a student. Once open, always open."""

    pk = models.CompositePrimaryKey("student_id", "competency_id")
    student = models.ForeignKey(Student, models.PROTECT, related_name="openings", db_index=False)
    competency = models.ForeignKey(Competency, models.PROTECT, related_name="+")
    district = models.ForeignKey(
        District, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    opened_at = models.DateTimeField()  # when the last prerequisite was mastered

    def __str__(self) -> str:
        return f"Opening of {self.competency_id} for {self.student_id}"
