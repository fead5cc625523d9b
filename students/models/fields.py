"""Column shapes that several tables share."""

import uuid
from typing import Any

from django.db import models


def public_id() -> "models.UUIDField[Any, Any]":
    """Return the opaque random id that URLs and exchanges use instead of a row number."""
    return models.UUIDField(default=uuid.uuid4, unique=True, editable=False)


class FromRoster(models.Model):
    """
    A row that a roster may own.

    ``sourced_id`` is the identifier in the district's roster system, empty for what was made
    by hand. ``roster`` keeps the columns of the file that nothing here models, so that an
    export gives back what an import brought. ``deactivated_at`` is set when a complete roster
    no longer lists the row; nothing is deleted.
    """

    sourced_id = models.CharField(max_length=255, blank=True, default="")
    roster = models.JSONField(default=dict, blank=True)
    deactivated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


def once_in_district(model: str) -> models.UniqueConstraint:
    """Return the rule that a roster identifier names one row of a district."""
    return models.UniqueConstraint(
        fields=["district", "sourced_id"],
        condition=~models.Q(sourced_id=""),
        name=f"students_{model}_sourced_id_once",
    )
