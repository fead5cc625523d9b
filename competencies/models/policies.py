"""The rules that decide mastery: versions that never change, and where they apply from when."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from competencies.models.frameworks import Competency, Framework
from competencies.models.scales import Scale
from students.models import District, User


class Policy(models.Model):
    """A named rule. One without a district is a preset that comes with the product."""

    district = models.ForeignKey(
        District, models.PROTECT, null=True, blank=True, related_name="policies"
    )
    code = models.SlugField(max_length=60)
    name = models.CharField(max_length=200)

    class Meta:
        verbose_name_plural = "policies"
        constraints = [
            models.UniqueConstraint(
                fields=["district", "code"], nulls_distinct=False, name="competencies_policy_once"
            )
        ]

    def __str__(self) -> str:
        return self.name


class PolicyVersion(models.Model):
    """
    One version of a policy. Append-only: a new wish is a new version.

    ``cuts`` are in 1/10,000 of a point, one a level, ascending. ``gates`` is a list of
    ``{"kind": …, "need": n}``. Empty ``purposes`` or ``kinds`` mean that all of them count.
    The meaning of each rule is docs/decisions-by-example.md.
    """

    class Method(models.TextChoices):
        N_OF_LAST_M = "n_of_last_m"
        LATEST = "latest"
        HIGHEST = "highest"
        MEAN = "mean"
        DECAYING_AVERAGE = "decaying_average"

    class Reassessment(models.TextChoices):
        ADDS = "adds"
        REPLACES = "replaces"

    policy = models.ForeignKey(Policy, models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField()
    scale = models.ForeignKey(Scale, models.PROTECT, related_name="+")
    target = models.PositiveSmallIntegerField()  # position of the level that is mastery
    method = models.CharField(max_length=40, choices=Method)
    n = models.PositiveSmallIntegerField(null=True, blank=True)
    m = models.PositiveSmallIntegerField(null=True, blank=True)  # null: of all pieces
    weight_p = models.PositiveIntegerField(null=True, blank=True)  # the newest piece weighs p/q
    weight_q = models.PositiveIntegerField(null=True, blank=True)
    cuts = ArrayField(models.IntegerField())
    minimum_pieces = models.PositiveSmallIntegerField(default=2)
    gates = models.JSONField(default=list)
    purposes = ArrayField(models.SmallIntegerField(), default=list)
    kinds = ArrayField(models.SmallIntegerField(), default=list)
    rater_rule = models.CharField(max_length=40, default="lower_median")
    reassessment = models.CharField(max_length=10, choices=Reassessment, default=Reassessment.ADDS)
    confirmation = models.BooleanField(default=False)
    decides = models.BooleanField(default=True)  # False: describe only, as for habits
    refresh_months = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=models.functions.Now())
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "number"], name="competencies_policy_version_once"
            ),
            models.CheckConstraint(
                condition=~Q(method="n_of_last_m")
                | Q(n__gte=1) & (Q(m__isnull=True) | Q(m__gte=models.F("n"))),
                name="competencies_policy_n_within_m",
            ),
            models.CheckConstraint(
                condition=~Q(method="decaying_average")
                | Q(weight_p__gte=1, weight_q__gte=models.F("weight_p")),
                name="competencies_policy_weight_up_to_one",
            ),
            models.CheckConstraint(
                condition=Q(minimum_pieces__gte=1) & Q(target__gte=1),
                name="competencies_policy_counts_from_one",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"


class PolicyPlacement(models.Model):
    """
    A version applies somewhere from an instant on. Append-only; a later one supersedes.

    The nearest place wins: competency, subtree, framework, then the district's default
    (``framework`` and ``competency`` both null). Where nothing is placed the preset *Two in a
    row* applies. ``starts_at`` is never before ``recorded_at``: a rule cannot begin in the past.
    """

    class Mode(models.TextChoices):
        KEEP = "keep"  # earlier pieces are judged by the version of their day
        RECOMPUTE = "recompute"  # every piece is judged by this version

    district = models.ForeignKey(District, models.PROTECT, related_name="placements")
    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="placements")
    framework = models.ForeignKey(Framework, models.PROTECT, null=True, related_name="placements")
    competency = models.ForeignKey(Competency, models.PROTECT, null=True, related_name="placements")
    subtree = models.BooleanField(default=False)  # with everything below ``competency``
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.KEEP)
    starts_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    placed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(framework__isnull=True) | Q(competency__isnull=True),
                name="competencies_placement_in_one_place",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__gte=models.F("recorded_at")),
                name="competencies_placement_not_in_the_past",
            ),
        ]
        indexes = [models.Index(fields=["district", "starts_at"], name="competencies_placement")]

    def __str__(self) -> str:
        return f"{self.version_id} from {self.starts_at:%Y-%m-%d}"


class RollupRule(models.Model):
    """
    How the children of a competency decide it, in one district. Append-only; the latest rules.

    Without a row: all children; a competency that is itself rated is decided by its own
    rating, with the roll-up beside it.
    """

    class Rule(models.TextChoices):
        ALL = "all"
        K_OF_N = "k_of_n"

    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    competency = models.ForeignKey(Competency, models.PROTECT, related_name="rollup_rules")
    rule = models.CharField(max_length=10, choices=Rule)
    k = models.PositiveSmallIntegerField(null=True, blank=True)
    children_decide = models.BooleanField(default=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(rule="k_of_n") | Q(k__gte=1), name="competencies_rollup_needs_k"
            )
        ]
        indexes = [
            models.Index(
                fields=["district", "competency", "recorded_at"], name="competencies_rollup"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule} for {self.competency_id}"
