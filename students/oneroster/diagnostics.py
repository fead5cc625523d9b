"""Collecting every problem of a package, so that one run shows all that is to be corrected."""

from dataclasses import replace
from typing import Literal

from students.problems import ERROR, WARNING, ImportRefused, Problem

Profile = Literal["strict", "tolerant"]
PROFILES: tuple[Profile, ...] = ("strict", "tolerant")


class Diagnostics:
    """
    The problems found so far, in the order they were met.

    Errors are kept one by one. A warning that repeats in a column is kept once, at its first
    row, with how many rows it holds for: a feed with 200,000 times ``TRUE`` is one line.
    """

    def __init__(self, profile: Profile = "tolerant") -> None:
        self.profile = profile
        self._problems: list[Problem] = []
        self._warned: dict[tuple[str, str, str], tuple[int, int]] = {}  # place in list, times

    @property
    def is_strict(self) -> bool:
        return self.profile == "strict"

    @property
    def has_errors(self) -> bool:
        return any(problem.is_error for problem in self._problems)

    def is_cut_short(self, file: str) -> bool:
        """Tell if a file could not be read to its end."""
        return any(
            problem.file == file and problem.is_error and problem.code.startswith("file.")
            for problem in self._problems
        )

    @property
    def problems(self) -> tuple[Problem, ...]:
        found = list(self._problems)
        for place, times in self._warned.values():
            if times > 1:
                problem = found[place]
                found[place] = replace(
                    problem, message=f"{problem.message} So in {times:,} rows; the first is named."
                )
        return tuple(found)

    def error(self, file: str, row: int | None, column: str, code: str, message: str) -> None:
        self._problems.append(Problem(file, row, column, code, message, ERROR))

    def warn(self, file: str, row: int | None, column: str, code: str, message: str) -> None:
        key = (file, column, code)
        place, times = self._warned.get(key, (len(self._problems), 0))
        if not times:
            self._problems.append(Problem(file, row, column, code, message, WARNING))
        self._warned[key] = (place, times + 1)

    def deviation(self, file: str, row: int | None, column: str, code: str, message: str) -> None:
        """Against the standard, yet clear in meaning: an error only in the strict profile."""
        (self.error if self.is_strict else self.warn)(file, row, column, code, message)

    def refuse_errors(self) -> None:
        """
        Stop here if anything is wrong.

        :raises ImportRefused: with everything found so far.
        """
        if self.has_errors:
            raise ImportRefused(self.problems)

    def refuse(self, file: str, code: str, message: str) -> ImportRefused:
        """Return the refusal of something that cannot even be looked into."""
        self.error(file, None, "", code, message)
        return ImportRefused(self.problems)
