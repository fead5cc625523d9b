"""What is set once: a void, the release to the student, a teacher's word on a substitute's."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from assessments import permissions
from assessments.actions.correct import lock_standing
from assessments.actions.errors import EvidenceRejected, OutOfDate
from assessments.models import Evidence, Rating
from assessments.signals import ratings_changed
from students.actions.locks import Locked, lock_students
from students.models import HistoryEntry, User

LONGEST_REASON = 500  # characters


def void_rating(*, actor: User | None, rating_id: int, reason: str) -> None:
    """Void one rating, see :func:`void_ratings`."""
    void_ratings(actor=actor, rating_ids=[rating_id], reason=reason)


@transaction.atomic
def void_ratings(*, actor: User | None, rating_ids: Collection[int], reason: str) -> None:
    """
    Void ratings: they never counted. Final; what was right is recorded anew.

    :raises EvidenceRejected: without a reason.
    :raises OutOfDate: if one was corrected or voided meanwhile.
    :raises PermissionDenied: if ``actor`` may not correct one of them.
    """
    if not reason.strip():
        raise EvidenceRejected("Say why the rating is void; the reason stays in the record.")
    if len(reason) > LONGEST_REASON:
        raise EvidenceRejected(f"Keep the reason under {LONGEST_REASON} characters.")
    locked, standing = lock_standing(actor, rating_ids)
    Rating.objects.filter(pk__in=standing).update(
        voided_at=locked.at, voided_by=actor, void_reason=reason.strip()
    )
    _write_history(
        actor,
        [(row.district_id, row.student_id, row.pk) for row in standing.values()],
        ("void_rating", "rating"),
        reason,
    )
    _announce(locked, {(row.student_id, row.competency_id) for row in standing.values()})


@transaction.atomic
def release_evidence(*, actor: User | None, evidence_ids: Collection[int]) -> int:
    """
    Release pieces to their students, so that they count; return how many.

    :raises PermissionDenied: if ``actor`` may not release one of them, or it is released.
    :raises OutOfDate: if one was corrected meanwhile.
    """
    locked = _lock(evidence_ids)
    _check_standing(evidence_ids)
    permissions.check_can_release(actor, evidence_ids, locked.at)
    waiting = Evidence.objects.filter(pk__in=evidence_ids, released_at__isnull=True)
    return _settle(actor, waiting, locked, "release_evidence", {"released_at": locked.at})


@transaction.atomic
def confirm_evidence(*, actor: User, evidence_ids: Collection[int]) -> int:
    """
    Take a substitute's pieces over as one's own, so that they count; return how many.

    :raises PermissionDenied: if ``actor`` may not confirm one of them, or it is confirmed.
    :raises OutOfDate: if one was corrected meanwhile.
    """
    locked = _lock(evidence_ids)
    _check_standing(evidence_ids)
    permissions.check_can_confirm(actor, evidence_ids, locked.at)
    waiting = Evidence.objects.filter(
        pk__in=evidence_ids, by_substitute=True, confirmed_at__isnull=True
    )
    changes = {"confirmed_at": locked.at, "confirmed_by": actor}
    return _settle(actor, waiting, locked, "confirm_evidence", changes)


def _lock(evidence_ids: Collection[int]) -> Locked:
    students = Evidence.objects.filter(pk__in=evidence_ids).values_list("student_id", flat=True)
    return lock_students(students)


def _check_standing(evidence_ids: Collection[int]) -> None:
    if Evidence.objects.filter(replaces__in=evidence_ids).exists():
        raise OutOfDate("Somebody corrected this piece meanwhile. Look at what stands now.", None)


def _settle(
    actor: User | None,
    waiting: QuerySet[Evidence],
    locked: Locked,
    action: str,
    changes: Mapping[str, Any],
) -> int:
    rows = list(waiting.values_list("district_id", "student_id", "pk"))
    numbers = [number for _, _, number in rows]
    Evidence.objects.filter(pk__in=numbers).update(**changes)
    _write_history(actor, rows, (action, "evidence"), "")
    pairs = Rating.objects.filter(evidence_id__in=numbers).values_list(
        "student_id", "competency_id"
    )
    _announce(locked, set(pairs))
    return len(rows)


def _write_history(
    actor: User | None,
    rows: Collection[tuple[int, int, int]],
    what: tuple[str, str],
    reason: str,
) -> None:
    HistoryEntry.objects.bulk_create(
        HistoryEntry(
            district_id=district,
            actor=actor,
            action=what[0],
            object_type=what[1],
            object_id=number,
            student_id=student,
            reason=reason,
        )
        for district, student, number in rows
    )


def _announce(locked: Locked, pairs: set[tuple[int, int]]) -> None:
    if pairs:
        ratings_changed.send(sender=Rating, locked=locked, pairs=frozenset(pairs))
