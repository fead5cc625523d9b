"""Days and instants: dates turn at midnight UTC here, whatever zone an instant is written in."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time


def utc_day(instant: datetime) -> date:
    """Return the day of ``instant``."""
    return instant.astimezone(UTC).date()


def midnight(day: date) -> datetime:
    """Return the instant at which ``day`` begins."""
    return datetime.combine(day, time(), UTC)


def months_later(day: date, months: int) -> date:
    """Return the same day ``months`` later; the last day of a month that is too short for it."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
