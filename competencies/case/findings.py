"""
What was found in a package: errors, and deviations that are tolerated.

Each finding has a place, a JSON pointer. Deviations of one kind are said once, with how many
there are and the first of them: a real file can have thousands of each.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from competencies.case import sentences
from students.problems import ERROR, WARNING, ImportRefused, Problem

EXAMPLES = 3  # pointers told for each kind of deviation, unless all are asked for


def pointer(*steps: str | int) -> str:
    """Return the JSON pointer (RFC 6901) made of ``steps``."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


@dataclass(slots=True)
class _Seen:
    number: int = 0
    pointers: list[str] = field(default_factory=list)


class Findings:
    """Collects what is found in one file. ``keep_all`` keeps the place of every deviation."""

    def __init__(self, file: str, *, keep_all: bool = False) -> None:
        self.file = file
        self.keep_all = keep_all
        self.root = ""  # the pointer that every place is below, once the package was found
        self._errors: list[Problem] = []
        self._deviations: dict[tuple[str, str], _Seen] = {}

    def error(self, code: str, place: str = "", **values: object) -> None:
        """Add something for which the file must be refused; ``values`` complete its sentence."""
        message = sentences.error(code, **values)
        place = self.root + place
        self._errors.append(Problem(self.file, None, place, code, message, ERROR))

    def refuse(self, code: str, place: str = "", **values: object) -> ImportRefused:
        """Add an error and return the refusal, where nothing more can be read."""
        self.error(code, place, **values)
        return ImportRefused(self.problems())

    def deviation(self, code: str, place: str, subject: str = "") -> None:
        """Add something that was tolerated; ``subject`` is what it concerns, as a key's name."""
        seen = self._deviations.setdefault((code, subject), _Seen())
        seen.number += 1
        if self.keep_all or len(seen.pointers) < EXAMPLES:
            seen.pointers.append(self.root + place)

    def check(self, *, strict: bool = False) -> None:
        """
        :raises ImportRefused: if there is an error; when ``strict``, also if there is a
            deviation from the standard.
        """
        refused = self._errors or (
            strict and any(sentences.is_against_standard(code) for code, _ in self._deviations)
        )
        if refused:
            raise ImportRefused(self.problems(strict=strict))

    def problems(self, *, strict: bool = False) -> tuple[Problem, ...]:
        """Return errors first, then each kind of deviation once (or each one: ``keep_all``)."""
        return (*self._errors, *self._grouped(strict))

    def _grouped(self, strict: bool) -> Iterator[Problem]:
        for (code, subject), seen in self._deviations.items():
            severity = ERROR if strict and sentences.is_against_standard(code) else WARNING
            message = sentences.deviation(code, subject)
            if self.keep_all:
                for place in seen.pointers:
                    yield Problem(self.file, None, place, code, message, severity)
            else:
                told = sentences.with_count(message, seen.number, seen.pointers)
                yield Problem(self.file, None, seen.pointers[0], code, told, severity)


__all__ = ["EXAMPLES", "Findings", "pointer"]
