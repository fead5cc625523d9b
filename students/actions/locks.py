"""
The lock discipline of the whole product.

Order: idempotency keys → students → states → requests, each ascending. Whoever writes ratings,
judgements, states or requests of a student holds that student's lock first, and reads only
afterwards; so no two writers of a student overlap, and none of them can deadlock.
docs/locks.md tells the rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection


class UnknownStudent(Exception):
    """A student that should be locked does not exist. The message is safe to show."""


@dataclass(frozen=True, slots=True)
class Locked:
    """Proof that these students are locked until the end of the transaction."""

    student_ids: frozenset[int]
    at: datetime  # the database's clock, read once every lock was granted

    def check(self, student_ids: Iterable[int]) -> None:
        """
        Assert that every one of ``student_ids`` is locked.

        :raises AssertionError: naming the ids that are not; a mistake of ours, never of a user.
        """
        missing = set(student_ids) - self.student_ids
        if missing:
            raise AssertionError(f"students not locked: {sorted(missing)}")


def lock_students(student_ids: Iterable[int]) -> Locked:
    """
    Lock the students until the transaction ends, in ascending order; one query.

    The instant is read after the last lock was granted: of two writers of one student the
    later one to commit has the later instant, whenever their transactions began.

    :raises UnknownStudent: if one of them does not exist.
    :raises AssertionError: outside a transaction, or in one that is not READ COMMITTED.
    """
    wanted = sorted(set(student_ids))
    locked = _lock(wanted, _LOCK)
    if len(locked.student_ids) != len(wanted):
        raise UnknownStudent("A student named here does not exist.")
    return locked


def lock_free_students(student_ids: Iterable[int]) -> Locked:
    """
    Lock those of the students that nobody else holds, waiting for none; one query.

    The caller asks the result which it got.
    """
    return _lock(sorted(set(student_ids)), _LOCK_FREE)


def _lock(wanted: list[int], sql: str) -> Locked:
    assert connection.in_atomic_block, "a lock outside a transaction protects nothing"
    with connection.cursor() as cursor:
        cursor.execute(sql, [wanted])
        found, at, isolation = cursor.fetchone()
    # A snapshot from before the lock would miss what was committed while we waited for it.
    assert isolation == "read committed", f"locks need READ COMMITTED, not {isolation}"
    return Locked(frozenset(found), at)


_LOCK = """
WITH locked AS MATERIALIZED (
    SELECT student_id FROM students_studentlock
    WHERE student_id = ANY(%s) ORDER BY student_id FOR NO KEY UPDATE)
SELECT coalesce(array_agg(student_id), '{}'), clock_timestamp(),
       current_setting('transaction_isolation')
FROM locked
"""
_LOCK_FREE = _LOCK.replace("FOR NO KEY UPDATE", "FOR NO KEY UPDATE SKIP LOCKED")
