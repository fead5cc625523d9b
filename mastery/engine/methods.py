"""
The methods: how a list of points becomes one estimate.

A method is one entry in ``METHODS``: a small function from its numbers and the points (hundredths,
in order, never empty) to an exact fraction, the same written out so that a reader can redo it by
hand, and what its numbers must be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mastery.engine.numbers import hundredths, listed, plain

if TYPE_CHECKING:
    from mastery.engine.values import Method

Fraction = tuple[int, int] | None  # number and den, in hundredths; None: not enough pieces
Work = Callable[["Method", Sequence[int]], Fraction]
Written = Callable[["Method", Sequence[int]], tuple[str, dict[str, object]]]  # template, its places


@dataclass(frozen=True, slots=True)
class MethodEntry:
    """What the engine knows about a method."""

    work: Work
    written: Written
    check: Callable[[Method], None]
    averages: bool  # its levels' cuts are by default the midpoints below them
    windowed: bool  # only the last m pieces carry it


_TIMES = "\N{MULTIPLICATION SIGN}"

METHODS: dict[str, MethodEntry] = {}


def _takes_nothing(method: Method) -> None:
    """A method without numbers of its own accepts whatever stands there."""


def _method(
    name: str,
    written: Written,
    *,
    check: Callable[[Method], None] = _takes_nothing,
    averages: bool = False,
    windowed: bool = False,
) -> Callable[[Work], Work]:
    def enter(work: Work) -> Work:
        METHODS[name] = MethodEntry(work, written, check, averages, windowed)
        return work

    return enter


def _check_n_of_last_m(method: Method) -> None:
    if method.n is None or method.n < 1:
        raise ValueError("“n of the last m” needs n, at least 1.")
    if method.m is not None and method.n > method.m:
        raise ValueError(f"{method.n} of the last {method.m} can never be met: n is above m.")


def _check_weight(method: Method) -> None:
    if method.p is None or method.q is None or method.q < 1:
        raise ValueError("A decaying average needs a weight p / q with a positive q.")
    if not 0 <= method.p <= method.q:
        raise ValueError(f"The weight {method.p}/{method.q} is outside 0 to 1.")


def _write_n_of_last_m(method: Method, points: Sequence[int]) -> tuple[str, dict[str, object]]:
    last = points if method.m is None else points[-method.m :]
    places: dict[str, object] = {"n": method.n, "m": method.m, "points": listed(last)}
    if method.m is None:
        return "the {n}. highest of all pieces: {points} → {result}", places
    if method.n == method.m:
        return "the lowest of the last {m}: {points} → {result}", places
    return "the {n}. highest of the last {m}: {points} → {result}", places


def _write_latest(_method: Method, points: Sequence[int]) -> tuple[str, dict[str, object]]:
    return "the latest of {points} → {result}", {"points": listed(points)}


def _write_highest(_method: Method, points: Sequence[int]) -> tuple[str, dict[str, object]]:
    return "the highest of {points} → {result}", {"points": listed(points)}


def _write_mean(_method: Method, points: Sequence[int]) -> tuple[str, dict[str, object]]:
    added = " + ".join(hundredths(p, 1) for p in points)
    return "({added}) ÷ {count} = {result}", {"added": added, "count": len(points)}


def _write_decaying(method: Method, points: Sequence[int]) -> tuple[str, dict[str, object]]:
    """Write each step of the fold; a step that is not exact in four decimals says about."""
    p, q = method.p or 0, method.q or 1
    steps, (number, den) = [], (points[0], 1)
    for newer in points[1:]:
        left = f"{plain(q - p, q)} {_TIMES} {hundredths(number, den)}"
        number, den = (q - p) * number + p * den * newer, den * q
        right = f"{plain(p, q)} {_TIMES} {hundredths(newer, 1)}"
        steps.append(f"{left} + {right} = {hundredths(number, den)}")
    return "{steps}", {"steps": "; ".join(steps) or hundredths(points[0], 1)}


@_method("n_of_last_m", _write_n_of_last_m, check=_check_n_of_last_m, windowed=True)
def n_of_last_m(method: Method, points: Sequence[int]) -> Fraction:
    """Return the n-th highest of the last m; None with fewer than n pieces."""
    n: int = method.n  # type: ignore[assignment]  # checked when the version was made
    last = points if method.m is None else points[-method.m :]
    return (sorted(last)[-n], 1) if len(last) >= n else None


@_method("latest", _write_latest)
def latest(_method: Method, points: Sequence[int]) -> Fraction:
    """Return the newest."""
    return points[-1], 1


@_method("highest", _write_highest)
def highest(_method: Method, points: Sequence[int]) -> Fraction:
    """Return the best."""
    return max(points), 1


@_method("mean", _write_mean, averages=True)
def mean(_method: Method, points: Sequence[int]) -> Fraction:
    """Return the mean of all."""
    return sum(points), len(points)


@_method("decaying_average", _write_decaying, check=_check_weight, averages=True)
def decaying_average(method: Method, points: Sequence[int]) -> Fraction:
    """Return the fold in which each newer piece takes p / q and the rest keeps what is left."""
    p: int = method.p  # type: ignore[assignment]  # checked when the version was made
    q: int = method.q  # type: ignore[assignment]
    number, den = points[0], 1
    for newer in points[1:]:
        number = (q - p) * number + p * den * newer
        den *= q
    return number, den


def check_method(method: Method) -> None:
    """
    Check that ``method`` can be worked.

    :raises ValueError: with what is wrong, fit to show.
    """
    if method.name not in METHODS:
        raise ValueError(f"There is no method named {method.name!r}.")
    METHODS[method.name].check(method)


def window(method: Method) -> int | None:
    """Return how many last pieces carry the estimate; None: all of them."""
    return method.m if METHODS[method.name].windowed else None
