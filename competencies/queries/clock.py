"""The database's clock: the only one that decides anything."""

from datetime import datetime

from django.db import connection


def database_clock() -> datetime:
    """
    Return the instant it is now in the database; one query.

    Read it after the locks were granted: of two writers of one row the later one then has the
    later instant, whenever their transactions began.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    assert isinstance(now, datetime)
    return now


__all__ = ["database_clock"]
