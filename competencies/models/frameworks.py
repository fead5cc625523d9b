"""Frameworks, their competencies, and how these hang together."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from students.models import District, User


class Framework(models.Model):
    """
    A published set of competencies, or a district's own.

    A published one has no district and is shared by all. ``identifier`` is its CASE UUID;
    ``external_id`` the identifier its source wrote, where that was no UUID.
    """

    district = models.ForeignKey(
        District, models.PROTECT, null=True, blank=True, related_name="frameworks"
    )
    identifier = models.UUIDField(default=uuid.uuid4)
    external_id = models.CharField(max_length=500, blank=True, default="")
    uri = models.CharField(max_length=1000, blank=True, default="")
    title = models.CharField(max_length=500)
    creator = models.CharField(max_length=500, blank=True, default="")
    publisher = models.CharField(max_length=500, blank=True, default="")
    description = models.TextField(blank=True, default="")
    version = models.CharField(max_length=100, blank=True, default="")
    adoption_status = models.CharField(max_length=100, blank=True, default="")
    language = models.CharField(max_length=20, blank=True, default="")
    official_source_url = models.CharField(max_length=1000, blank=True, default="")
    licence = models.JSONField(default=dict, blank=True)  # title, text, URI of the licence
    last_change = models.CharField(max_length=40, blank=True, default="")  # as its source wrote it
    # Everything of the package that is no item, association or column above, verbatim, so
    # that an export gives back what an import brought.
    source = models.JSONField(default=dict, blank=True)
    imported_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["district", "identifier"],
                nulls_distinct=False,
                name="competencies_framework_once",
            )
        ]

    def __str__(self) -> str:
        return self.title


class Competency(models.Model):
    """
    A node of a framework: it may be rated, have children, or both.

    Retired ones (``retired_at``) keep their evidence and take no part in roll-ups, new
    expectations or new ratings.
    """

    framework = models.ForeignKey(Framework, models.PROTECT, related_name="competencies")
    identifier = models.UUIDField(default=uuid.uuid4)
    external_id = models.CharField(max_length=500, blank=True, default="")
    code = models.CharField(max_length=200, blank=True, default="")
    statement = models.TextField()
    learner_statement = models.TextField(blank=True, default="")  # "I can …"
    abbreviated_statement = models.TextField(blank=True, default="")
    kind = models.CharField(max_length=200, blank=True, default="")  # CASE item type
    is_rated = models.BooleanField(default=True)
    list_enumeration = models.CharField(max_length=100, blank=True, default="")
    grade_levels = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    notes = models.TextField(blank=True, default="")
    language = models.CharField(max_length=20, blank=True, default="")
    last_change = models.CharField(max_length=40, blank=True, default="")
    source = models.JSONField(default=dict, blank=True)  # the item as it came
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "competencies"
        constraints = [
            models.UniqueConstraint(
                fields=["framework", "identifier"], name="competencies_competency_once"
            )
        ]
        indexes = [
            models.Index(fields=["code"], name="competencies_code"),
            models.Index(fields=["identifier"], name="competencies_identifier"),
        ]

    def __str__(self) -> str:
        return self.code or self.statement[:80]


class Edge(models.Model):
    """
    A dated link between two competencies: never changed, only ended, so that any past
    instant can be told.
    """

    since = models.DateTimeField(db_default=models.functions.Now())
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class ParentEdge(Edge):
    """``child`` is part of ``parent``, or of the framework itself where that is null."""

    framework = models.ForeignKey(Framework, models.PROTECT, related_name="edges")
    child = models.ForeignKey(Competency, models.PROTECT, related_name="parent_edges")
    parent = models.ForeignKey(Competency, models.PROTECT, null=True, related_name="child_edges")
    position = models.IntegerField(default=0)  # among the children of one parent
    identifier = models.UUIDField(default=uuid.uuid4)
    source = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["child", "parent"],
                condition=Q(until__isnull=True),
                nulls_distinct=False,
                name="competencies_parent_edge_once",
            ),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(child=F("parent")),
                name="competencies_parent_edge_not_itself",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.child_id} is part of {self.parent_id}"


class Prerequisite(Edge):
    """Mastering ``requires`` opens ``competency``; locks are soft and never refuse evidence."""

    competency = models.ForeignKey(Competency, models.PROTECT, related_name="prerequisites")
    requires = models.ForeignKey(Competency, models.PROTECT, related_name="opens")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["competency", "requires"],
                condition=Q(until__isnull=True),
                name="competencies_prerequisite_once",
            ),
            models.CheckConstraint(
                condition=~Q(competency=F("requires")),
                name="competencies_prerequisite_not_itself",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.requires_id} opens {self.competency_id}"


class Association(models.Model):
    """Any other CASE association, kept as it came; its ends may lie in other frameworks."""

    framework = models.ForeignKey(Framework, models.PROTECT, related_name="associations")
    identifier = models.UUIDField()
    kind = models.CharField(max_length=100)
    origin = models.CharField(max_length=1000)
    destination = models.CharField(max_length=1000)
    source = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["framework", "identifier"], name="competencies_association_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.origin} {self.kind} {self.destination}"


class Resource(models.Model):
    """Something to learn a competency from."""

    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    competency = models.ForeignKey(Competency, models.PROTECT, related_name="resources")
    title = models.CharField(max_length=300)
    url = models.URLField(max_length=1000)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    def __str__(self) -> str:
        return self.title
