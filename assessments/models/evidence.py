"""
Evidence and ratings: append-only by privilege.

The application's role may insert and read them, and set a few columns from null once
(release, a teacher's confirmation of a substitute's entry, a void). Nothing else changes: a
correction is a new row that names the one whose place it takes.
"""

from decimal import Decimal

from django.db import models
from django.db.models import Q

from assessments.models.assessments import Assessment
from assessments.models.codes import (
    Conditions,
    Kind,
    Mark,
    Modality,
    Purpose,
    Setting,
    Situation,
)
from competencies.models import Competency
from students.models import District, Student, User
from students.models.fields import public_id


class PointsField(models.Field):  # type: ignore[type-arg]  # not subscriptable at run time
    """
    Points as a Decimal with two places, stored as smallint hundredths.

    A numeric column would cost a fifth of a bulk read. From -327.68 to 327.67.
    """

    def get_internal_type(self) -> str:
        return "SmallIntegerField"

    def from_db_value(self, value: int | None, *_: object) -> Decimal | None:
        return None if value is None else Decimal(value) / 100

    def to_python(self, value: object) -> Decimal | None:
        return None if value is None else Decimal(str(value))

    def get_prep_value(self, value: object) -> int | None:
        if value is None:
            return None
        hundredths = Decimal(str(value)) * 100
        if hundredths != hundredths.to_integral_value():
            raise ValueError(f"points have two decimal places at most, not {value}")
        return int(hundredths)


class Evidence(models.Model):
    """
    One piece: one thing one student did, on a day, in a setting.

    ``released_at`` null: only teachers see it and nothing counts it. ``by_substitute`` counts
    once ``confirmed_at`` is set. A correction of the piece itself (its day, say) is a new row
    with ``replaces``; ``piece`` is the first row's id for the whole chain.
    """

    id = models.BigAutoField(primary_key=True)
    public_id = public_id()
    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    student = models.ForeignKey(Student, models.PROTECT, related_name="evidence")
    assessment = models.ForeignKey(Assessment, models.PROTECT, null=True, related_name="evidence")
    title = models.CharField(max_length=300, blank=True, default="")
    kind = models.SmallIntegerField(choices=Kind, default=Kind.OBSERVATION)
    purpose = models.SmallIntegerField(choices=Purpose, default=Purpose.SUMMATIVE)
    application = models.BooleanField(default=False)
    setting = models.SmallIntegerField(choices=Setting, null=True, blank=True)
    modality = models.SmallIntegerField(choices=Modality, null=True, blank=True)
    situation = models.SmallIntegerField(choices=Situation, null=True, blank=True)
    conditions = models.SmallIntegerField(choices=Conditions, default=Conditions.INDEPENDENT)
    demonstrated_on = models.DateField()  # the day it was done, where the school is
    position = models.BigIntegerField()  # order within a day
    piece = models.BigIntegerField()  # id of the first row of the chain
    replaces = models.BigIntegerField(null=True)
    source = models.CharField(max_length=60, default="teacher")
    external_id = models.CharField(max_length=200, blank=True, default="")
    comment = models.TextField(blank=True, default="")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    by_substitute = models.BooleanField(default=False)
    # Set once, from null:
    released_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name_plural = "evidence"
        constraints = [
            models.UniqueConstraint(
                fields=["district", "source", "external_id"],
                condition=~Q(external_id="") & Q(replaces__isnull=True),
                name="assessments_evidence_external_once",
            ),
            models.UniqueConstraint(
                fields=["district", "replaces"],
                condition=Q(replaces__isnull=False),
                name="assessments_evidence_replaced_once",
            ),
            # The target of Rating's composite key, which keeps its copies equal to these.
            models.UniqueConstraint(
                fields=["district", "id", "student", "demonstrated_on", "position", "piece"],
                name="assessments_evidence_copied",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True, confirmed_by__isnull=True)
                | Q(confirmed_at__isnull=False, confirmed_by__isnull=False),
                name="assessments_evidence_confirmed_at_and_by",
            ),
        ]
        indexes = [
            models.Index(fields=["student", "demonstrated_on"], name="assessments_evidence_day")
        ]

    def __str__(self) -> str:
        return f"Evidence {self.pk}"


class Rating(models.Model):
    """
    The level that a piece shows on one competency, in one assessor's judgement.

    Everything that decides is copied here when it is recorded and never changes: editing an
    assessment later changes nothing. ``chain`` is the id of the first rating of a chain of
    corrections, ``replaces`` the one whose place this takes; ``first_recorded_at`` is the
    chain's. Marks other than *rated* carry no points and are never zero.

    No foreign key points here, and only evidence and competency are checked by one, so that
    the table can be partitioned by district.
    """

    id = models.BigAutoField(primary_key=True)
    district = models.ForeignKey(
        District, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    evidence = models.ForeignKey(
        Evidence, models.PROTECT, related_name="ratings", db_constraint=False
    )
    student = models.ForeignKey(
        Student, models.PROTECT, related_name="ratings", db_constraint=False, db_index=False
    )
    competency = models.ForeignKey(Competency, models.PROTECT, related_name="+", db_index=False)
    points = PointsField(null=True)
    mark = models.SmallIntegerField(choices=Mark, default=Mark.RATED)
    demonstrated_on = models.DateField()
    position = models.BigIntegerField()
    piece = models.BigIntegerField()
    chain = models.BigIntegerField()
    replaces = models.BigIntegerField(null=True)
    task = models.BigIntegerField()  # what makes two pieces the same task, see actions
    kind = models.SmallIntegerField(choices=Kind)
    purpose = models.SmallIntegerField(choices=Purpose)
    application = models.BooleanField()
    setting = models.SmallIntegerField(choices=Setting, null=True)
    conditions = models.SmallIntegerField(choices=Conditions)
    assessor = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_constraint=False, db_index=False
    )
    scale = models.ForeignKey(
        "competencies.Scale", models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    policy_version = models.ForeignKey(
        "competencies.PolicyVersion",
        models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    recorded_at = models.DateTimeField()
    first_recorded_at = models.DateTimeField()
    # Set once, from null:
    voided_at = models.DateTimeField(null=True)
    voided_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_constraint=False, db_index=False
    )
    void_reason = models.CharField(max_length=500, null=True)  # noqa: DJ001  (null until voided)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(mark=Mark.RATED, points__isnull=False)
                | ~Q(mark=Mark.RATED) & Q(points__isnull=True),
                name="assessments_rating_points_only_when_rated",
            ),
            models.CheckConstraint(
                condition=Q(voided_at__isnull=True, voided_by__isnull=True, void_reason=None)
                | Q(voided_at__isnull=False, void_reason__isnull=False),
                name="assessments_rating_voided_together",
            ),
            models.CheckConstraint(
                condition=Q(replaces__isnull=True, chain=models.F("id"))
                | Q(replaces__isnull=False, chain__lt=models.F("id")),
                name="assessments_rating_chain",
            ),
            # A rating is replaced by one at most: a second correction names the first.
            models.UniqueConstraint(
                fields=["district", "replaces"],
                condition=Q(replaces__isnull=False),
                name="assessments_rating_replaced_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["student", "competency", "demonstrated_on", "position"],
                name="assessments_rating_pair",
            )
        ]

    def __str__(self) -> str:
        return f"Rating {self.pk}"
