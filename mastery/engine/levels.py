"""From a list of counted pieces to an estimate, the level that holds, and the rules met."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mastery.engine.gates import measure
from mastery.engine.methods import METHODS, window
from mastery.engine.values import Check, Estimate, Method, Piece, PolicyVersion, Scale


def default_cuts(scale: Scale, method: Method) -> tuple[int, ...]:
    """
    Return the cuts (1/10_000) that a policy takes unless its author says others.

    A level's cut is its points; for averaging methods the midpoint between it and the level below,
    because an average of pieces at a level and one piece under it never reaches the points.
    """
    points = [level.points for level in scale.levels]
    if not METHODS[method.name].averages:
        return tuple(100 * p for p in points)
    below = [points[0], *points[:-1]]
    return tuple(50 * (low + high) for low, high in zip(below, points, strict=True))


def kept(version: PolicyVersion, pieces: Sequence[Piece]) -> Sequence[Piece]:
    """Return ``pieces`` without those that a later piece on the same task replaces."""
    if version.reassessment == "adds":
        return pieces
    newest = {piece.task: piece for piece in pieces}
    return [piece for piece in pieces if newest[piece.task] is piece]


def estimate(version: PolicyVersion, pieces: Sequence[Piece]) -> Estimate | None:
    """Return the exact estimate of ``pieces``, or None if the method needs more of them."""
    worked = _work(version, pieces)
    return Estimate(*worked) if worked else None


def level_reached(version: PolicyVersion, reached: Estimate | None) -> int | None:
    """Return the highest level whose cut ``reached`` is at or above."""
    if reached is None:
        return None
    return _highest(version.cuts, reached.number * 100, reached.den)


def level_now(version: PolicyVersion, pieces: Sequence[Piece]) -> int | None:
    """Return the highest level that holds: its cut reached, by at least the minimum of pieces."""
    if len(pieces) < version.minimum_pieces:
        return None
    return level_reached(version, estimate(version, pieces))


def level_of_points(scale: Scale, points: int) -> int | None:
    """Return the level that a piece with ``points`` (hundredths) is at."""
    return _highest([level.points for level in scale.levels], points, 1)


def in_window(version: PolicyVersion, pieces: Sequence[Piece]) -> Sequence[Piece]:
    """Return the pieces that carry the estimate: the last m, or all."""
    last = window(version.method)
    return pieces if last is None else pieces[-last:]


def meets(version: PolicyVersion, target: int, pieces: Sequence[Piece]) -> bool:
    """
    Test if ``pieces`` meet ``target`` by every rule of ``version``.

    The replay asks this of every prefix, so it stops at the first rule that is not met and measures
    nothing for a reader; ``checks`` does.
    """
    pieces = kept(version, pieces)
    if len(pieces) < version.minimum_pieces:
        return False
    worked = _work(version, pieces)
    if worked is None or not _reaches(worked, version.cuts[target - 1]):
        return False
    if not version.gates:
        return True
    at_target = _at_target(version, target, pieces)
    return all(measure(gate, at_target)[1] for gate in version.gates)


def checks(version: PolicyVersion, target: int, pieces: Sequence[Piece]) -> Iterator[Check]:
    """
    Measure each rule of ``version`` on ``pieces``, already without replaced ones.

    The level's have and need are 1/10_000 of a point, those of the other rules are pieces.
    """
    count, least = len(pieces), version.minimum_pieces
    yield Check("minimum_pieces", count, least, count >= least)
    worked, cut = _work(version, pieces), version.cuts[target - 1]
    have = Estimate(*worked).stored if worked else None
    yield Check("level", have, cut, worked is not None and _reaches(worked, cut))
    at_target = _at_target(version, target, pieces)
    for gate in version.gates:
        found, met = measure(gate, at_target)
        yield Check(gate.kind, found, gate.need, met)


def _reaches(worked: tuple[int, int], cut: int) -> bool:
    """Test if number / den hundredths are at or above ``cut`` ten thousandths; nothing rounded."""
    number, den = worked
    return number * 100 >= cut * den


def _at_target(version: PolicyVersion, target: int, pieces: Sequence[Piece]) -> list[Piece]:
    points = version.scale.levels[target - 1].points
    return [piece for piece in in_window(version, pieces) if piece.points >= points]


def _work(version: PolicyVersion, pieces: Sequence[Piece]) -> tuple[int, int] | None:
    if not pieces:
        return None
    method = version.method
    return METHODS[method.name].work(method, [piece.points for piece in pieces])


def _highest(steps: Sequence[int], number: int, den: int) -> int | None:
    """Return the position of the highest of ``steps`` that ``number / den`` is at or above."""
    for position in range(len(steps), 0, -1):
        if number >= steps[position - 1] * den:
            return position
    return None
