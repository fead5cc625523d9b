"""What every action writes beside its own rows: locks, history, idempotency, outbox, jobs."""

from django.db import models

from students.models.fields import public_id
from students.models.organisation import District
from students.models.people import Student, User


class StudentLock(models.Model):
    """
    One row a student; locking it is how writers of anything derived take turns.

    Apart from Student, so that a long recompute never holds up a change of address. A trigger
    makes it with the student.
    """

    student = models.OneToOneField(Student, models.CASCADE, primary_key=True, related_name="+")

    def __str__(self) -> str:
        return f"Lock of student {self.student_id}"


class HistoryEntry(models.Model):
    """
    Who did what to which row, when, and why. Append-only; ids and values, never names.

    Without a district for what all share, such as a published framework.
    """

    district = models.ForeignKey(
        District, models.PROTECT, null=True, related_name="+", db_constraint=False
    )
    at = models.DateTimeField(db_default=models.functions.Now())
    actor = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_constraint=False
    )
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40)
    object_id = models.BigIntegerField(null=True)
    student = models.ForeignKey(
        Student, models.PROTECT, null=True, related_name="+", db_constraint=False
    )
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.CharField(max_length=500, blank=True, default="")

    id = models.BigAutoField(primary_key=True)

    class Meta:
        indexes = [
            models.Index(fields=["district", "student", "id"], name="students_history_student"),
            models.Index(
                fields=["district", "object_type", "object_id"], name="students_history_object"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}"


class IdempotencyKey(models.Model):
    """A request that succeeded, so that its repetition renders the same result. Eight days."""

    pk = models.CompositePrimaryKey("actor_id", "key")
    actor = models.ForeignKey(User, models.CASCADE, related_name="+", db_constraint=False)
    key = models.CharField(max_length=200)
    body_hash = models.BinaryField(max_length=32)
    result = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=models.functions.Now(), db_index=True)

    def __str__(self) -> str:
        return f"Idempotency key of {self.actor_id}"


class OutboxMessage(models.Model):
    """Something to tell another system, written with the fact it tells; once per dedup key."""

    id = models.BigAutoField(primary_key=True)
    district = models.ForeignKey(District, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=60)
    dedup_key = models.CharField(max_length=200)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=models.functions.Now())
    not_before = models.DateTimeField(db_default=models.functions.Now())
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["district", "kind", "dedup_key"], name="students_outbox_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.dedup_key}"


class Job(models.Model):
    """Long work that a person can watch: an import, a recompute, an audit."""

    class State(models.TextChoices):
        RUNNING = "running"
        HELD = "held"  # waits for a person to confirm
        DONE = "done"
        FAILED = "failed"

    public_id = public_id()
    district = models.ForeignKey(District, models.PROTECT, null=True, related_name="jobs")
    kind = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    started_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    total = models.PositiveBigIntegerField(null=True)
    done = models.PositiveBigIntegerField(default=0)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True, default="")
    started_at = models.DateTimeField(db_default=models.functions.Now())
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"
