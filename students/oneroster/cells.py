"""
From a field to its canonical text: ``TRUE`` to ``true``, a date with a time to a date.

What comes out is what an export writes, so that a value is read once and kept as it is.
"""

import re
from datetime import date, datetime

from students.oneroster.columns import TOLERATED_WORDS, Column
from students.oneroster.diagnostics import Diagnostics

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
_PAIRS = re.compile(r"\{[^{}:]+:[^{}]+\}(,\{[^{}:]+:[^{}]+\})*")
_EXTENSION = re.compile(r"ext:\S.*")
_TRUTH = {"true": "true", "1": "true", "yes": "true", "false": "false", "0": "false", "no": "false"}
_SHOWN = 40  # characters of a wrong value that a message repeats
YEARS = range(1900, 2201)


class Cells:
    """Reads the fields of one file. ``row`` is set by the caller before each row's fields."""

    def __init__(self, file: str, diagnostics: Diagnostics) -> None:
        self.row = 0
        self._file = file
        self._diagnostics = diagnostics
        # Words, dates and references repeat: one object each, whatever the number of rows.
        self._kept: dict[str, str] = {}

    def read(self, column: Column, value: str) -> str:
        """Return the canonical text of a value that is not blank, or "" having said why not."""
        if "\0" in value:
            return self._wrong(column, "text", "The value holds a zero character. Remove it.")
        read: str = getattr(self, f"_{column.kind}")(column, value)
        if len(read) > column.limit:
            return self._wrong(
                column,
                "length",
                f"The value has {len(read)} characters; at most {column.limit} are kept.",
            )
        return read

    def _text(self, column: Column, value: str) -> str:  # noqa: ARG002
        return value

    def _secret(self, column: Column, value: str) -> str:  # noqa: ARG002
        self._diagnostics.warn(
            self._file,
            self.row,
            column.name,
            "row.password",
            "Passwords are never read or kept. Leave them out of the export.",
        )
        return ""

    def _identifier(self, column: Column, value: str) -> str:
        value = self._trimmed(column, value)
        return self._kept.setdefault(value, value) if column.to else value

    def _identifiers(self, column: Column, value: str) -> str:
        found = self._split(column, value)
        if any(len(item) > 255 for item in found):
            return self._wrong(column, "length", "An identifier has more than 255 characters.")
        value = ",".join(dict.fromkeys(found))
        return self._kept.setdefault(value, value)

    def _items(self, column: Column, value: str) -> str:
        value = ",".join(self._split(column, value))
        return self._kept.setdefault(value, value)

    def _pairs(self, column: Column, value: str) -> str:
        if not _PAIRS.fullmatch(value):
            self._deviation(column, "list", "User ids are written {type:id}, separated by commas.")
        return value

    def _word(self, column: Column, value: str) -> str:
        value = self._trimmed(column, value)
        if value in column.words or _EXTENSION.fullmatch(value):
            return self._kept.setdefault(value, value)
        folded = value.casefold()
        for known in column.words:
            if known.casefold() == folded:
                self._deviation(column, "enum_case", f"“{value}” was read as “{known}”.")
                return known
        tolerated = TOLERATED_WORDS.get((column.name, folded))
        if tolerated:
            self._deviation(column, "enum_old", f"“{value}” was read as “{tolerated}”.")
            return tolerated
        known_words = ", ".join(column.words)
        return self._wrong(
            column, "enum", f"“{value[:_SHOWN]}” is not one of: {known_words}, or ext:… ."
        )

    def _truth(self, column: Column, value: str) -> str:
        if value in ("true", "false"):
            return self._kept.setdefault(value, value)
        read = _TRUTH.get(value.strip().casefold())
        if read is None:
            return self._wrong(column, "boolean", f"“{value[:_SHOWN]}” is not true or false.")
        self._deviation(column, "boolean_case", f"“{value}” was read as “{read}”.")
        return read

    def _day(self, column: Column, value: str) -> str:
        value = self._trimmed(column, value)
        instant = _INSTANT.fullmatch(value)
        if instant:
            self._deviation(column, "date_time", "A date with a time was read as the date.")
            value = instant[1]
        if not _DAY.fullmatch(value) or not _is_date(value):
            return self._wrong(
                column, "date", f"“{value[:_SHOWN]}” is not a date. Write it like 2025-09-01."
            )
        return self._kept.setdefault(value, value)

    def _instant(self, column: Column, value: str) -> str:
        value = self._trimmed(column, value)
        if _DAY.fullmatch(value) and _is_date(value):
            self._deviation(column, "datetime", "A date without a time was taken as it is.")
        elif not _INSTANT.fullmatch(value) or not _is_instant(value):
            return self._wrong(
                column,
                "datetime",
                f"“{value[:_SHOWN]}” is not an instant. Write it like 2025-09-01T08:00:00.000Z.",
            )
        return self._kept.setdefault(value, value)

    def _year(self, column: Column, value: str) -> str:
        value = self._trimmed(column, value)
        if not (value.isascii() and value.isdigit() and int(value[:9]) in YEARS):
            return self._wrong(
                column,
                "integer",
                f"“{value[:_SHOWN]}” is not a year. Write the year in which it ends, like 2026.",
            )
        return self._kept.setdefault(value, value)

    def _trimmed(self, column: Column, value: str) -> str:
        trimmed = value.strip()
        if trimmed is not value and trimmed != value:
            self._deviation(column, "spaces", "Spaces around the value were ignored.")
        return trimmed

    def _split(self, column: Column, value: str) -> list[str]:
        found = [item.strip() for item in value.split(",")]
        if not all(found):
            self._deviation(column, "list", "The list has an empty place; it was ignored.")
        return [item for item in found if item]

    def _wrong(self, column: Column, code: str, message: str) -> str:
        self._diagnostics.error(self._file, self.row, column.name, f"row.invalid_{code}", message)
        return ""

    def _deviation(self, column: Column, code: str, message: str) -> None:
        self._diagnostics.deviation(
            self._file, self.row, column.name, f"row.tolerated_{code}", message
        )


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_instant(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
