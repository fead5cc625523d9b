"""
The gates: what evidence must show beside the level.

A gate is one entry in ``GATES``: it counts something among the pieces at the target or above,
inside the method's window. All but ``group_at_most`` ask for at least so many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mastery.engine.values import Gate, Piece

INDEPENDENT, WITH_SUPPORT, GROUP = 1, 2, 3  # the conditions of a rating
Count = Callable[[Sequence["Piece"]], int]


@dataclass(frozen=True, slots=True)
class GateEntry:
    """What the engine knows about a gate."""

    count: Count
    sentence: str  # for the decision record
    at_most: bool = False


def _different_tasks(pieces: Sequence[Piece]) -> int:
    return len({piece.task for piece in pieces})


def _application(pieces: Sequence[Piece]) -> int:
    return sum(piece.application for piece in pieces)


def _independent(pieces: Sequence[Piece]) -> int:
    return sum(piece.conditions == INDEPENDENT for piece in pieces)


def _group(pieces: Sequence[Piece]) -> int:
    return sum(piece.conditions == GROUP for piece in pieces)


GATES: dict[str, GateEntry] = {
    "different_tasks": GateEntry(
        _different_tasks, "Different tasks at {level} or above: {have} of {need}."
    ),
    "application": GateEntry(
        _application, "Pieces at {level} or above that apply it: {have} of {need}."
    ),
    "independent": GateEntry(
        _independent, "Independent pieces at {level} or above: {have} of {need}."
    ),
    "group_at_most": GateEntry(
        _group, "Group pieces at {level} or above: {have}, at most {need}.", at_most=True
    ),
}


def measure(gate: Gate, at_target: Sequence[Piece]) -> tuple[int, bool]:
    """Return how many ``gate`` finds among ``at_target``, and whether that meets it."""
    entry = GATES[gate.kind]
    have = entry.count(at_target)
    return have, have <= gate.need if entry.at_most else have >= gate.need


def check_gate(gate: Gate, window: int | None) -> None:
    """
    Check that ``gate`` can be met by the pieces of ``window`` (None: any number).

    :raises ValueError: with what is wrong, fit to show.
    """
    if gate.kind not in GATES:
        raise ValueError(f"There is no gate named {gate.kind!r}.")
    if GATES[gate.kind].at_most:
        if gate.need < 0:
            raise ValueError(f"{gate.kind} cannot be below 0.")
    elif gate.need < 1:
        raise ValueError(f"{gate.kind} must ask for at least 1 piece.")
    elif window is not None and gate.need > window:
        raise ValueError(
            f"{gate.kind} asks for {gate.need} pieces, but only the last {window} are looked at."
        )
