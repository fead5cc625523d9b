"""
How commands that read files speak: problems by place, a summary by kind, progress.

Plain Python, for every import and export of the product. Standard output carries the problems
and the summary, standard error the progress, so that the first can be kept in a file.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TextIO

Severity = Literal["error", "warning"]
ERROR: Severity = "error"
WARNING: Severity = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """
    Something in a file that is wrong, or that was tolerated.

    ``row`` is the row as a spreadsheet counts it, the header being row 1, or None for the file
    as a whole; ``column`` is a column's name, or "". ``code`` is for machines and never changes;
    ``message`` is one sentence that says what to do. Logs and records keep everything but the
    message, which may name a person.
    """

    file: str
    row: int | None
    column: str
    code: str
    message: str
    severity: Severity = ERROR

    @property
    def is_error(self) -> bool:
        return self.severity == ERROR

    def __str__(self) -> str:
        place = self.file if self.row is None else f"{self.file}:{self.row}"
        column = f" [{self.column}]" if self.column else ""
        severity = "" if self.is_error else f"{self.severity}: "
        return f"{place}{column} {severity}{self.message}"


class ImportRefused(Exception):
    """Nothing was written. Carries every problem found, warnings included."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        errors = errors_in(self.problems)
        count = "1 error" if errors == 1 else f"{errors} errors"
        super().__init__(f"Nothing was changed: {count}. Correct the file and run it again.")


def errors_in(problems: Iterable[Problem]) -> int:
    return sum(1 for problem in problems if problem.is_error)


def report(problems: Iterable[Problem], stdout: TextIO) -> None:
    """Print every problem, one a line, in the order given: ``FILE:ROW [COLUMN] message``."""
    for problem in problems:
        stdout.write(f"{problem}\n")


OUTCOMES = ("created", "changed", "unchanged", "deactivated", "refused")


@dataclass(slots=True)
class Summary:
    """How many rows of each kind were created, changed, left as they were, and so on."""

    created: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    unchanged: dict[str, int] = field(default_factory=dict)
    deactivated: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    def count(self, outcome: str, kind: str, number: int = 1) -> None:
        """Add ``number`` rows of ``kind`` to ``outcome``, one of OUTCOMES."""
        counts: dict[str, int] = getattr(self, outcome)
        counts[kind] = counts.get(kind, 0) + number

    def total(self, outcome: str) -> int:
        counts: dict[str, int] = getattr(self, outcome)
        return sum(counts.values())

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return every kind counted, in the order of first mention."""
        found: dict[str, None] = {}
        for outcome in OUTCOMES:
            found.update(dict.fromkeys(getattr(self, outcome)))
        return tuple(found)

    def as_dict(self) -> dict[str, dict[str, int]]:
        """Return {outcome: {kind: rows}} for a record of the run; holds numbers only."""
        return {outcome: dict(getattr(self, outcome)) for outcome in OUTCOMES}

    def as_text(self) -> str:
        """Return a small table, a line a kind; a column in which nothing happened is left out."""
        shown = [o for o in OUTCOMES if o in OUTCOMES[:3] or self.total(o)]
        width = max([len(kind) for kind in self.kinds], default=0) + 2
        lines = [" " * width + "".join(f"{outcome:>13}" for outcome in shown)]
        for kind in self.kinds:
            numbers = (getattr(self, outcome).get(kind, 0) for outcome in shown)
            lines.append(f"{kind:<{width}}" + "".join(f"{number:>13,}" for number in numbers))
        return "\n".join(lines)


class Progress:
    """
    A line on ``stream`` at most every second: how many, which share, how fast.

    ``total`` is None where it is not known. Prints nothing for work under a second.
    """

    INTERVAL = 1.0  # seconds

    def __init__(self, total: int | None, label: str, stream: TextIO) -> None:
        self.total = total
        self.label = label
        self.stream = stream
        self.done = 0
        self._started = self._printed = time.monotonic()

    def advance(self, number: int = 1) -> None:
        self.done += number
        now = time.monotonic()
        if now - self._printed >= self.INTERVAL:
            self._printed = now
            self._print(now)

    def finish(self) -> None:
        """Print the last line, if any was printed before it."""
        if self._printed > self._started:
            self._print(time.monotonic())

    def _print(self, now: float) -> None:
        rate = self.done / max(now - self._started, 0.001)
        share = ""
        if self.total:
            share = f" of {self.total:,} ({100 * self.done / self.total:.0f} %)"
        self.stream.write(f"{self.label}: {self.done:,}{share}, {rate:,.0f} a second\n")
        self.stream.flush()


__all__ = [
    "ERROR",
    "OUTCOMES",
    "WARNING",
    "ImportRefused",
    "Problem",
    "Progress",
    "Summary",
    "errors_in",
    "report",
]
