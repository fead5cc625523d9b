"""The one next step of a pair: a code with its numbers; pages and the record put it in words."""

from __future__ import annotations

from datetime import date

from mastery.engine.counting import RATERS_APART
from mastery.engine.levels import in_window
from mastery.engine.values import Decision, Working

Step = tuple[str, tuple[tuple[str, int], ...]]
Marks = tuple[date | None, date | None]  # refresh on, look again on

_OF_RULE = {
    "different_tasks": "other_task",
    "application": "application_piece",
    "independent": "independent_piece",
    "group_at_most": "individual_piece",
    "confirmation": "newer_piece",
    "new_evidence": "newer_piece",
}


def next_step(
    working: Working, decision: Decision, unmet: tuple[str, ...], marks: Marks, today: date
) -> Step:
    """Return the next step's code and numbers: ``level`` is a position, ``pieces`` a count."""
    if decision == Decision.MASTERED:
        return _after_mastery(marks, today), ()
    if decision == Decision.AWAITING:
        return "confirm", ()
    if any(reason == RATERS_APART for _, reason in working.not_counted):
        return "talk_first", ()
    if not working.pieces:
        return "first_piece", ()
    if decision == Decision.NONE or not unmet:
        return "keep_going", ()
    return _towards(working, unmet[0])


def _after_mastery(marks: Marks, today: date) -> str:
    refresh_on, look_again_on = marks
    if look_again_on is not None:
        return "look_again"
    if refresh_on is not None and refresh_on <= today:
        return "refresh"
    return "go_on"


def _towards(working: Working, rule: str) -> Step:
    if rule in _OF_RULE:
        return _OF_RULE[rule], (("level", working.target),)
    return "pieces_at_target", (("level", working.target), ("pieces", _missing(working)))


def _missing(working: Working) -> int:
    """Return how many more pieces at the target the minimum and the method ask for, at least 1."""
    version = working.version
    more = version.minimum_pieces - len(working.pieces)
    if version.method.name == "n_of_last_m":
        points = version.scale.level(working.target).points
        inside = in_window(version, working.pieces)
        more = max(more, (version.method.n or 0) - sum(one.points >= points for one in inside))
    return max(1, more)
