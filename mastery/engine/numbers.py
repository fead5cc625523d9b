"""Numbers for readers: rounded here and only here, after everything was compared."""

from __future__ import annotations

from collections.abc import Sequence

_PLACES = 10_000


def plain(number: int, den: int) -> str:
    """
    Return ``number / den`` as a decimal with up to four places.

    A fraction that needs more is written about, because a reader who redoes the sum by hand must
    see where digits were left out.
    """
    scaled, rest = divmod(number * _PLACES, den)
    if 2 * rest >= den:
        scaled += 1
    whole, places = divmod(scaled, _PLACES)
    text = f"{whole}.{places:04}".rstrip("0").rstrip(".")
    return f"about {text}" if rest else text


def hundredths(number: int, den: int) -> str:
    """Return ``number / den`` hundredths as a decimal number of points."""
    return plain(number, den * 100)


def listed(points: Sequence[int]) -> str:
    """Return points (hundredths) one after the other."""
    return ", ".join(hundredths(one, 1) for one in points)
