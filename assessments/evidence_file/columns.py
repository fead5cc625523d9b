"""The columns of a file of evidence, and the reading of single cells."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

REQUIRED = ("external_id", "student", "competency", "points", "demonstrated_on")
OPTIONAL = (
    "assessment",
    "kind",
    "purpose",
    "setting",
    "modality",
    "situation",
    "conditions",
    "application",
    "mark",
    "assessor",
    "comment",
)
COLUMNS = REQUIRED + OPTIONAL

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TRUTHS = {"": False, "false": False, "no": False, "0": False, "true": True, "yes": True, "1": True}


class WrongCell(ValueError):
    """What a cell says cannot be read. The message is safe to show."""


def header_problems(header: Sequence[str]) -> list[tuple[str, str]]:
    """Return (column, message) for everything that is wrong with the first row."""
    found = [(name, "This column is missing; it is required.") for name in REQUIRED]
    found = [(name, message) for name, message in found if name not in header]
    for place, name in enumerate(header):
        if name not in COLUMNS:
            found.append((name, f"There is no such column. The columns are: {', '.join(COLUMNS)}."))
        elif name in header[:place]:
            found.append((name, "This column is there twice."))
    return found


def day(text: str) -> date:
    """Read a day written as year-month-day."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise WrongCell(f"“{text}” is not a day. Write it as year-month-day, such as 2026-03-02.")


def hundredths(text: str) -> int | None:
    """Read points as whole hundredths; nothing is None, never zero."""
    if not text:
        return None
    try:
        points = Decimal(text)
    except InvalidOperation:
        hint = " Write a point, not a comma." if "," in text else ""
        raise WrongCell(f"“{text}” is not a number of points.{hint}") from None
    if not points.is_finite():
        raise WrongCell(f"“{text}” is not a number of points.")
    if points != round(points, 2):
        raise WrongCell(f"“{text}” has more than two decimal places.")
    return int(points * 100)


def truth(text: str) -> bool:
    """Read yes or no; nothing is no."""
    try:
        return _TRUTHS[text.lower()]
    except KeyError:
        raise WrongCell(f"“{text}” is neither true nor false.") from None
