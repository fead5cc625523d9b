"""
The one writer of files that people open in a spreadsheet.

A cell that a spreadsheet would run as a formula gets an apostrophe in front; an import takes it
off again by :func:`restore`. Numbers stay numbers.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Protocol

Cell = str | int | float | Decimal | None

# What begins a formula, full-width forms included, also behind blanks and apostrophes. A guarded
# cell matches too, so that guarding and restoring undo each other for every text.
_RUNS = re.compile(r"'*(?:[\t\r\n]|['\s]*[=+\-@＝＋－＠])")  # noqa: RUF001


class Stream(Protocol):
    def write(self, text: str, /) -> object: ...


def write_csv(stream: Stream, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write ``rows`` under ``header`` as RFC 4180 lines; None is an empty cell."""
    writer = csv.writer(stream)
    for row in (header, *rows):
        writer.writerow([guard(cell) if isinstance(cell, str) else cell for cell in row])


def guard(text: str) -> str:
    """Return ``text`` so that no spreadsheet runs it; most texts stay as they are."""
    return f"'{text}" if _RUNS.match(text) else text


def restore(text: str) -> str:
    """Return the text that :func:`guard` was given."""
    return text[1:] if text.startswith("'") and _RUNS.match(text[1:]) else text
