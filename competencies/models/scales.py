"""Scales, their levels, and what a level looks like for a competency."""

from django.db import models
from django.db.models import Q

from competencies.models.frameworks import Competency
from students.models import District


class Scale(models.Model):
    """Ordered levels. One without a district comes with the product."""

    district = models.ForeignKey(
        District, models.PROTECT, null=True, blank=True, related_name="scales"
    )
    code = models.SlugField(max_length=60)
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["district", "code"], nulls_distinct=False, name="competencies_scale_once"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Level(models.Model):
    """One level of a scale; ``points`` in hundredths, ascending with ``position``."""

    scale = models.ForeignKey(Scale, models.PROTECT, related_name="levels")
    position = models.PositiveSmallIntegerField()  # 1 is the lowest
    name = models.CharField(max_length=100)
    points = models.SmallIntegerField()  # hundredths of a point

    class Meta:
        ordering = ["scale", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["scale", "position"], name="competencies_level_position_once"
            ),
            models.UniqueConstraint(
                fields=["scale", "points"], name="competencies_level_points_once"
            ),
            models.CheckConstraint(
                condition=Q(position__gte=1) & Q(points__gte=0),
                name="competencies_level_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Descriptor(models.Model):
    """What a level looks like for one competency."""

    competency = models.ForeignKey(Competency, models.PROTECT, related_name="descriptors")
    level = models.ForeignKey(Level, models.PROTECT, related_name="+")
    text = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["competency", "level"], name="competencies_descriptor_once"
            )
        ]

    def __str__(self) -> str:
        return self.text[:80]
