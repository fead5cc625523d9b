"""Timed, reasoned access that a school can see: the only way for a district to a pupil."""

from django.db import models

from students.models.organisation import District, School
from students.models.people import User


class Elevation(models.Model):
    """A district administrator may look at one school's students for a while, with a reason."""

    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="elevations")
    school = models.ForeignKey(School, models.PROTECT, related_name="elevations")
    reason = models.CharField(max_length=500)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")) & ~models.Q(reason=""),
                name="students_elevation_ends_and_has_reason",
            )
        ]

    def __str__(self) -> str:
        return f"Elevation {self.pk}"
