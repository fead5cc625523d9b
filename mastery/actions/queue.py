"""
The queue of record, in PostgreSQL. The broker only carries a doorbell and may lose everything.

Every writer of a student's requests holds that student's lock, so they never wait for one
another in a circle. Claims take no student lock: they skip what is locked.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Collection
from dataclasses import dataclass

from celery import current_app
from django.db import connection, transaction

from mastery.models import RecomputeRequest
from students.actions.locks import Locked

Pair = tuple[int, int]  # student id, competency id

MAX_ATTEMPTS = 5
LEASE_SECONDS = 30
DELAY_SECONDS = 1.0  # before a failed pair runs again; doubles with each attempt, to 5 minutes
BATCH = 400  # requests a transaction: short enough that nobody waits behind it

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claim:
    """Requests leased to this process, with the generation each had."""

    generations: dict[Pair, int]

    @property
    def pairs(self) -> frozenset[Pair]:
        """Return what is to be recomputed."""
        return frozenset(self.generations)

    @property
    def students(self) -> frozenset[int]:
        """Return whose standing is concerned."""
        return frozenset(student for student, _ in self.generations)

    def part(self, student_ids: Collection[int]) -> Claim:
        """Return the requests of some of the students."""
        return Claim(
            {pair: number for pair, number in self.generations.items() if pair[0] in student_ids}
        )


def enqueue(
    district_id: int,
    pairs: Collection[Pair],
    *,
    locked: Locked,
    priority: int = RecomputeRequest.INTERACTIVE,
    after_seconds: float = 0.0,
) -> None:
    """
    Ask for ``pairs`` to be recomputed, in the caller's transaction; one query.

    A quarantined pair gets another chance, as a suspect that runs alone. Rings the doorbell
    after the commit, unless it is for later.
    """
    if not pairs:
        return
    locked.check(student for student, _ in pairs)
    ordered = sorted(pairs)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO mastery_recomputerequest AS r
                (student_id, competency_id, district_id, generation, priority, attempts,
                 lease_by, last_error, first_at, not_before)
            SELECT student, competency, %s, 1, %s, 0, '', '',
                   clock_timestamp(), clock_timestamp() + make_interval(secs => %s)
            FROM unnest(%s::int[], %s::int[]) AS t (student, competency)
            ORDER BY student, competency
            ON CONFLICT (student_id, competency_id) DO UPDATE SET
                generation = r.generation + 1,
                attempts = least(r.attempts, 1),
                not_before = excluded.not_before,
                quarantined_at = NULL,
                priority = least(r.priority, excluded.priority)
            """,
            [
                *(district_id, priority, after_seconds),
                *([s for s, _ in ordered], [c for _, c in ordered]),
            ],
        )
    if not after_seconds:
        transaction.on_commit(ring, robust=True)


def claim(*, suspects: bool) -> Claim:
    """
    Lease the next requests to this process, in a short transaction of its own.

    The attempt is counted now, so that a pair that kills its process is counted as well. A
    batch must not be blamed for one member: what was claimed before and not finished is a
    suspect, and suspects are claimed one at a time. The fifth unfinished attempt quarantines.
    """
    sql = _CLAIM_SUSPECT if suspects else _CLAIM_BATCH
    with transaction.atomic(), connection.cursor() as cursor:
        if suspects:
            cursor.execute(_QUARANTINE, [MAX_ATTEMPTS])
            if cursor.rowcount:
                log.error("%s pairs quarantined after %s attempts", cursor.rowcount, MAX_ATTEMPTS)
        cursor.execute(sql, {"batch": BATCH, "lease": LEASE_SECONDS, "who": _who()})
        return Claim({(student, competency): gen for student, competency, gen in cursor})


def finish(claimed: Claim, pairs: Collection[Pair], *, locked: Locked) -> None:
    """
    Delete the requests of ``pairs`` that nobody renewed meanwhile; the others wait again.

    In the transaction that wrote what they asked for, under the students' locks. Two queries.
    """
    locked.check(student for student, _ in pairs)
    rows = [(s, c, claimed.generations[s, c]) for s, c in sorted(pairs)]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM mastery_recomputerequest r
            USING unnest(%s::int[], %s::int[], %s::bigint[]) AS t (student, competency, gen)
            WHERE r.student_id = t.student AND r.competency_id = t.competency
              AND r.generation = t.gen
            """,
            columns,
        )
        if cursor.rowcount < len(rows):
            cursor.execute(
                """
                UPDATE mastery_recomputerequest r SET lease_until = NULL, attempts = 0
                FROM unnest(%s::int[], %s::int[]) AS t (student, competency)
                WHERE r.student_id = t.student AND r.competency_id = t.competency
                """,
                columns[:2],
            )


def fail(errors: dict[Pair, str], *, locked: Locked) -> None:
    """Keep the requests that failed, with their error, for a later attempt on their own."""
    locked.check(student for student, _ in errors)
    rows = sorted(errors.items())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE mastery_recomputerequest r
            SET lease_until = NULL, last_error = t.error,
                not_before = clock_timestamp()
                    + make_interval(secs => least(300, %s * 2 ^ r.attempts))
            FROM unnest(%s::int[], %s::int[], %s::text[]) AS t (student, competency, error)
            WHERE r.student_id = t.student AND r.competency_id = t.competency
            """,
            [
                DELAY_SECONDS,
                [s for (s, _), _e in rows],
                [c for (_, c), _e in rows],
                [e for _, e in rows],
            ],
        )


def give_back(claimed: Claim) -> None:
    """
    End our lease on requests that we never began, and do not count it as an attempt.

    Takes no student lock, so it skips rows that somebody else holds; their lease runs out.
    """
    pairs = sorted(claimed.pairs)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            WITH ours AS (
                SELECT r.student_id, r.competency_id FROM mastery_recomputerequest r
                JOIN unnest(%s::int[], %s::int[]) AS t (student_id, competency_id)
                    USING (student_id, competency_id)
                WHERE r.lease_by = %s AND r.attempts > 0
                ORDER BY r.student_id, r.competency_id FOR UPDATE OF r SKIP LOCKED)
            UPDATE mastery_recomputerequest r
            SET lease_until = NULL, attempts = r.attempts - 1,
                not_before = clock_timestamp() + make_interval(secs => %s)
            FROM ours
            WHERE r.student_id = ours.student_id AND r.competency_id = ours.competency_id
            """,
            [[s for s, _ in pairs], [c for _, c in pairs], _who(), DELAY_SECONDS],
        )


def failed_before(pairs: Collection[Pair]) -> set[Pair]:
    """Return those of ``pairs`` with an unfinished attempt: a save leaves them to the queue."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.student_id, r.competency_id
            FROM unnest(%s::int[], %s::int[]) AS t (student_id, competency_id)
            JOIN mastery_recomputerequest r USING (student_id, competency_id)
            WHERE r.attempts > 0
              AND (r.last_error <> '' OR r.quarantined_at IS NOT NULL
                   OR r.lease_until < clock_timestamp())
            """,
            [[s for s, _ in pairs], [c for _, c in pairs]],
        )
        return set(cursor.fetchall())


def behind(pairs: Collection[Pair], *, decided: Collection[Pair]) -> tuple[set[Pair], set[Pair]]:
    """
    Return those of ``pairs`` with a part, and those with a prerequisite, that waits itself.

    What follows from a standing that is out of date would be logged for good. Parts of parts
    count too, and links that ended, because what waits may date from before; what is ``decided``
    now and what is quarantined does not. One query.
    """
    ordered = sorted(pairs)
    with connection.cursor() as cursor:
        cursor.execute(_BEHIND, [[s for s, _ in ordered], [c for _, c in ordered]])
        rows = [row for row in cursor.fetchall() if (row[0], row[2]) not in decided]
    parts = {(student, top) for student, top, _, by_part in rows if by_part}
    return parts, {(student, top) for student, top, _, by_part in rows if not by_part}


class _Doorbell:
    """Rings the worker; after a failure it stays quiet for a while, so that no save waits."""

    QUIET_SECONDS = 5.0

    def __init__(self) -> None:
        self.quiet_until = 0.0

    def ring(self) -> None:
        if time.monotonic() < self.quiet_until:
            return
        try:
            current_app.send_task("mastery.drain", retry=False, ignore_result=True)
        except Exception as error:  # the sweep finds the work without it
            self.quiet_until = time.monotonic() + self.QUIET_SECONDS
            log.warning("the broker did not take the doorbell: %s", type(error).__name__)


_doorbell = _Doorbell()


def ring() -> None:
    """Tell a worker that something waits. Losing it costs the seconds until the next sweep."""
    _doorbell.ring()


def _who() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"[:100]


_WAITING = """
    quarantined_at IS NULL AND not_before <= clock_timestamp()
    AND (lease_until IS NULL OR lease_until < clock_timestamp())
"""
_LEASE = """
UPDATE mastery_recomputerequest r
SET lease_until = clock_timestamp() + make_interval(secs => %(lease)s), lease_by = %(who)s,
    attempts = r.attempts + 1
FROM next WHERE r.student_id = next.student_id AND r.competency_id = next.competency_id
RETURNING r.student_id, r.competency_id, r.generation
"""
# The oldest of the most urgent, then everything else that waits for the same students.
_CLAIM_BATCH = f"""
WITH first AS (
    SELECT student_id FROM mastery_recomputerequest
    WHERE attempts = 0 AND {_WAITING}
    ORDER BY priority, first_at LIMIT %(batch)s),
next AS (
    SELECT student_id, competency_id FROM mastery_recomputerequest
    WHERE student_id IN (SELECT student_id FROM first) AND attempts = 0 AND {_WAITING}
    ORDER BY priority, student_id, competency_id LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
{_LEASE}
"""  # noqa: S608  (constants of this file)
_CLAIM_SUSPECT = f"""
WITH next AS (
    SELECT student_id, competency_id FROM mastery_recomputerequest
    WHERE attempts BETWEEN 1 AND {MAX_ATTEMPTS - 1} AND {_WAITING}
    ORDER BY attempts, first_at LIMIT 1 FOR UPDATE SKIP LOCKED)
{_LEASE}
"""  # noqa: S608
_QUARANTINE = f"""
UPDATE mastery_recomputerequest SET quarantined_at = clock_timestamp(), lease_until = NULL
WHERE (student_id, competency_id) IN (
    SELECT student_id, competency_id FROM mastery_recomputerequest
    WHERE attempts >= %s AND {_WAITING}
    ORDER BY student_id, competency_id FOR UPDATE SKIP LOCKED)
"""  # noqa: S608
_BEHIND = """
WITH RECURSIVE pair AS (
    SELECT * FROM unnest(%s::int[], %s::int[]) AS t (student_id, top)),
below (top, node, by_part) AS (
    SELECT edge.parent_id, edge.child_id, true FROM competencies_parentedge edge
    WHERE edge.parent_id IN (SELECT top FROM pair)
    UNION
    SELECT edge.competency_id, edge.requires_id, false FROM competencies_prerequisite edge
    WHERE edge.competency_id IN (SELECT top FROM pair)
    UNION
    SELECT below.top, edge.child_id, below.by_part
    FROM below JOIN competencies_parentedge edge ON edge.parent_id = below.node)
SELECT pair.student_id, below.top, below.node, below.by_part
FROM below JOIN pair USING (top)
JOIN mastery_recomputerequest r ON r.student_id = pair.student_id AND r.competency_id = below.node
WHERE r.quarantined_at IS NULL
"""
