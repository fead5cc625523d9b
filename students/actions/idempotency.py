"""A request repeated under its key has its effect once and gets the same answer again."""

import hashlib
import json
from typing import Any

from django.db import connection

from students.models import IdempotencyKey, User


class KeyReused(Exception):
    """The key was used for another request. The message is safe to show."""


def claim(*, actor: User, key: str, body: Any) -> Any | None:
    """
    Claim ``key`` for this transaction; return the stored result if it already succeeded.

    The transaction's first statement: it precedes every lock. A second request under the same
    key waits here until the first ends, so that of fifty sent at once one does the work.
    ``body`` is anything JSON can hold. One query, two for a repetition.

    :raises KeyReused: if the key belongs to a request with another body.
    """
    assert connection.in_atomic_block
    digest = _digest(body)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO students_idempotencykey (actor_id, key, body_hash) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [actor.pk, key, digest],
        )
        if cursor.rowcount:
            return None
    earlier = IdempotencyKey.objects.get(actor_id=actor.pk, key=key)
    if bytes(earlier.body_hash) != digest:
        raise KeyReused("This request was sent before with other contents. Reload and try again.")
    return earlier.result


def keep(*, actor: User, key: str, result: Any) -> None:
    """
    Store the result in the transaction that made it, so that both are there or neither.

    ``result`` says something: None is how :func:`claim` tells a key that is new.
    """
    assert result is not None
    IdempotencyKey.objects.filter(actor_id=actor.pk, key=key).update(result=result)


def forget_old(*, days: int = 8) -> int:
    """Delete the keys that no client repeats any more; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM students_idempotencykey"
            " WHERE created_at < now() - make_interval(days => %s)",
            [days],
        )
        return int(cursor.rowcount)


def _digest(body: Any) -> bytes:
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).digest()
