"""The order of siblings: sequenceNumber, then listEnumeration, then code, as a person counts."""

import re

_PARTS = re.compile(r"\d+|[^\W\d_]+")
# Grades before the first, where a code is counted through.
_BEFORE_FIRST = {"pk": -1, "prek": -1, "k": 0, "kg": 0}
# Lengths kept from one run of digits: no code counts further.
_DIGITS = 18

Natural = tuple[tuple[int, int, str], ...]
SiblingKey = tuple[bool, int, bool, Natural, bool, Natural, int]


def natural(text: str) -> Natural:
    """Return a key by which "2" is before "10", and grade K before grade 1."""
    return tuple(_part(part.casefold()) for part in _PARTS.findall(text))


def _part(part: str) -> tuple[int, int, str]:
    if part.isdecimal():
        return (0, int(part[:_DIGITS]), "")
    if part in _BEFORE_FIRST:
        return (0, _BEFORE_FIRST[part], part)
    return (1, 0, part)


def sibling_key(
    sequence: int | None, *, list_enumeration: str, code: str, index: int
) -> SiblingKey:
    """Return the key of a sibling; what it lacks comes last. ``index``: its place in the file."""
    return (
        sequence is None,
        sequence or 0,
        not list_enumeration,
        natural(list_enumeration),
        not code,
        natural(code),
        index,
    )


__all__ = ["SiblingKey", "natural", "sibling_key"]
