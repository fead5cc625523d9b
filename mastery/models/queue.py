"""The queue of record: what must be recomputed, in PostgreSQL, whatever the broker does."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class RecomputeRequest(models.Model):
    """
    A student and a competency whose standing must be looked at again.

    ``generation`` counts the wishes: a drain deletes the row only if it is unchanged.
    ``attempts`` rises when it is claimed, so that a pair that kills its process is counted
    too; from one unfinished attempt on it runs alone, and after five it is quarantined until
    something new is recorded for it. States: waiting, leased (``lease_until`` ahead),
    quarantined.
    """

    INTERACTIVE = 0
    FOLLOW_UP = 3
    BULK = 9

    pk = models.CompositePrimaryKey("student_id", "competency_id")
    student_id = models.IntegerField()
    competency_id = models.IntegerField()
    district_id = models.IntegerField()
    generation = models.BigIntegerField(default=1)
    priority = models.SmallIntegerField(default=INTERACTIVE)
    first_at = models.DateTimeField(db_default=Now())
    not_before = models.DateTimeField(db_default=Now())
    attempts = models.SmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    lease_by = models.CharField(max_length=100, blank=True, default="")
    last_error = models.TextField(blank=True, default="")
    quarantined_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["priority", "first_at"],
                condition=Q(quarantined_at__isnull=True),
                name="mastery_request_next",
            )
        ]

    def __str__(self) -> str:
        return f"Request for {self.student_id} on {self.competency_id}"


class Heartbeat(models.Model):
    """When a part of the machinery was last seen at work."""

    name = models.CharField(max_length=60, primary_key=True)
    seen_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name
