"""Reports as they were published."""

from django.db import models

from students.models import District, School, User


class ReportSnapshot(models.Model):
    """The figures of a report at an instant, frozen when it is shared. Append-only."""

    id = models.BigAutoField(primary_key=True)
    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    school = models.ForeignKey(School, models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=60)
    filters = models.JSONField(default=dict)
    figures = models.JSONField()
    taken_at = models.DateTimeField(db_default=models.functions.Now())
    taken_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    def __str__(self) -> str:
        return f"{self.kind} {self.taken_at:%Y-%m-%d}"
