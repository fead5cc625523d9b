"""Work off the queue: claim, lock, recompute, finish; one transaction a claim."""

import time

from django.db import connection, transaction

from mastery.actions import queue
from mastery.actions.recompute import recompute
from mastery.queries.health import WORKER
from students.actions.idempotency import forget_old
from students.actions.locks import lock_students

DUE_AT_ONCE = 2000


def drain(*, seconds: float | None = None) -> int:
    """
    Work until nothing waits, or ``seconds`` have passed; return how many pairs were finished.

    Safe to run from any number of processes at once. Every second claim is a suspect, so that
    neither a flood of new work nor a crowd of suspects starves the other.
    """
    began = time.monotonic()
    finished = 0
    while True:
        batch = _work(queue.claim(suspects=False))
        suspect = _work(queue.claim(suspects=True))
        finished += batch.finished + suspect.finished
        if not batch.claimed and not suspect.claimed:
            return finished
        if seconds is not None and time.monotonic() - began >= seconds:
            queue.ring()
            return finished


def sweep() -> None:
    """
    Do what the clock asks for: pairs whose state changes with time, keys nobody repeats.

    Also the worker's sign of life.
    """
    beat()
    while _ask_for_due():
        pass
    forget_old()


def beat() -> None:
    """Note that a worker is at work."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO mastery_heartbeat (name, seen_at) VALUES (%s, clock_timestamp())"
            " ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at",
            [WORKER],
        )


class _Worked:
    def __init__(self, claimed: int, finished: int) -> None:
        self.claimed = claimed
        self.finished = finished


def _work(claimed: queue.Claim) -> _Worked:
    pairs = claimed.generations.keys()
    if not pairs:
        return _Worked(0, 0)
    with transaction.atomic():
        locked = lock_students(student for student, _ in pairs)
        done = recompute(pairs, locked=locked)
        good = pairs - done.failed.keys()
        queue.finish(claimed, good, locked=locked)
        if done.failed:
            queue.fail(done.failed, locked=locked)
    return _Worked(len(pairs), len(good))


@transaction.atomic
def _ask_for_due() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT s.district_id, s.student_id, s.competency_id FROM mastery_masterystate s
            WHERE s.valid_until <= clock_timestamp() AND NOT EXISTS (
                SELECT 1 FROM mastery_recomputerequest r
                WHERE r.student_id = s.student_id AND r.competency_id = s.competency_id)
            ORDER BY s.valid_until LIMIT %s
            """,
            [DUE_AT_ONCE],
        )
        due = cursor.fetchall()
    locked = lock_students(student for _, student, _ in due)
    for district in {district for district, _, _ in due}:
        pairs = {(student, competency) for at, student, competency in due if at == district}
        queue.enqueue(district, pairs, locked=locked)
    return len(due)


__all__ = ["beat", "drain", "sweep"]
