"""Work off the queue: claim, lock, recompute, finish; one transaction a claim."""

import logging
import time
from dataclasses import dataclass

from django.db import connection, transaction

from mastery.actions import queue
from mastery.actions.recompute import recompute
from mastery.queries.health import WORKER
from students.actions.idempotency import forget_old
from students.actions.locks import Locked, lock_free_students

DUE_AT_ONCE = 2000
# Seconds before each try to lock the students of a claim: a save holds its own for less.
_PAUSES = (0.0, 0.02, 0.1, 0.4)

log = logging.getLogger(__name__)


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


@dataclass(frozen=True, slots=True)
class _Worked:
    claimed: int
    finished: int


def _work(claimed: queue.Claim) -> _Worked:
    """
    Work off a claim; give back what concerns students whom somebody else holds for long.

    Nobody is waited for while others are locked: one pair that never ends, or one long import,
    would hold up every student of the claim, and use up the attempts of their pairs.
    """
    finished, left = 0, claimed
    for pause in _PAUSES:
        if not left.pairs:
            break
        time.sleep(pause)
        more, left = _work_on_free(left)
        finished += more
    if left.pairs:
        queue.give_back(left)
    return _Worked(len(claimed.pairs), finished)


def _work_on_free(claimed: queue.Claim) -> tuple[int, queue.Claim]:
    """Recompute the pairs of students whom nobody holds; return how many, and what is left."""
    with transaction.atomic():
        locked = lock_free_students(claimed.students)
        ours = claimed.part(locked.student_ids)
        left = claimed.part(claimed.students - locked.student_ids)
        return _recompute(ours, locked), left


def _recompute(claimed: queue.Claim, locked: Locked) -> int:
    """Recompute and finish; return how many. What could not be written waits, each alone."""
    if not claimed.pairs:
        return 0
    try:
        with transaction.atomic():
            done = recompute(claimed.pairs, locked=locked)
            good = claimed.pairs - done.failed.keys()
            queue.finish(claimed, good, locked=locked)
    except Exception as error:
        # A broken connection can record nothing: the lease runs out, and it comes again.
        if connection.connection is None or connection.connection.closed:
            raise
        log.exception("%s pairs could not be written", len(claimed.pairs))
        said = f"{type(error).__name__}: {error}"[:500]
        queue.fail(dict.fromkeys(claimed.pairs, said), locked=locked)
        return 0
    if done.failed:
        queue.fail(done.failed, locked=locked)
    return len(good)


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
    # Who is held now is asked for by the next sweep: nobody else waits for them.
    locked = lock_free_students(student for _, student, _ in due)
    free = [row for row in due if row[1] in locked.student_ids]
    for district in sorted({district for district, _, _ in free}):
        pairs = {(student, competency) for at, student, competency in free if at == district}
        queue.enqueue(district, pairs, locked=locked)
    return len(free)


__all__ = ["beat", "drain", "sweep"]
