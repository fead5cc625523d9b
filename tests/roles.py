"""
The tests run as the plain role, as the product does; the owner only prepares the ground.

The connection is the owner's, and Django's own ``assume_role`` gives it away: that holds for
every connection, those of other threads included. What changes the schema or empties the tables
takes the owner's role back for as long as it lasts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.commands.flush import Command as Flush
from django.db import connection
from psycopg.pq import TransactionStatus

_flush = Flush.handle


def become_application() -> None:
    """From here on every connection is the plain role's."""
    connection.close()
    connection.settings_dict["OPTIONS"]["assume_role"] = settings.APPLICATION_ROLE
    Flush.handle = _flush_as_owner  # type: ignore[method-assign]


def become_owner() -> None:
    """Undo :func:`become_application`."""
    Flush.handle = _flush  # type: ignore[method-assign]
    connection.settings_dict["OPTIONS"].pop("assume_role", None)
    connection.close()


@contextmanager
def as_owner() -> Iterator[None]:
    """Use the owner's role on this thread's connection, for what the product itself may not do."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW role")
        (before,) = cursor.fetchone()
        cursor.execute("RESET ROLE")
    try:
        yield
    finally:
        # In a failed transaction nothing can be set, and its rollback sets the role back.
        if not _has_failed():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('role', %s, false)", [before])


def _has_failed() -> bool:
    raw = connection.connection
    return raw is None or raw.closed or raw.info.transaction_status is TransactionStatus.INERROR


def _flush_as_owner(command: Flush, **options: Any) -> None:
    """Empty the tables; post_migrate puts the seeded rows and the privileges back, as the owner."""
    with as_owner():
        _flush(command, **options)
