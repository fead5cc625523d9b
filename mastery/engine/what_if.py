"""The smallest further evidence that would make a pair mastered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mastery.engine.days import utc_day
from mastery.engine.decide import decide
from mastery.engine.values import Decision, Logs, Mark, Outcome, Rating

MOST_PIECES = 10
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Change:
    """
    What would change a decision that is not "mastered".

    ``code``: ``pieces`` (so many more at ``level``), ``pieces_confirmed`` (the same, and a
    person's word), ``confirmation``, ``person`` (an override stands in front), or ``none`` (no
    new piece alone can).
    """

    code: str
    pieces: int | None = None
    level: int | None = None


def smallest_change(logs: Logs, at: datetime, outcome: Outcome) -> Change | None:
    """
    Return the smallest change of ``outcome``, or None where there is nothing to reach.

    Tries up to ten more pieces, all at one level from the target up, each on a new task,
    independent, applied, and of a kind and purpose that count. Cost: up to 10 decisions a level.
    """
    state, working = outcome.state, outcome.working
    if state.decision in {Decision.MASTERED, Decision.NONE} or not working.version.decides:
        return None
    if working.override is not None:
        return Change("person")
    if state.decision == Decision.AWAITING:
        return Change("confirmation")
    for pieces in range(1, MOST_PIECES + 1):
        for level in range(working.target, len(working.version.scale.levels) + 1):
            code = _try(logs, at, outcome, pieces, level)
            if code is not None:
                return Change(code, pieces, level)
    return Change("none")


def _try(logs: Logs, at: datetime, outcome: Outcome, pieces: int, level: int) -> str | None:
    new = tuple(_new_piece(logs, at, outcome, number, level) for number in range(1, pieces + 1))
    version = outcome.working.version
    more = replace(
        logs, ratings=logs.ratings + new, versions={**logs.versions, version.id: version}
    )
    decision = decide(more, at + pieces * _INSTANT).state.decision
    if decision == Decision.MASTERED:
        return "pieces"
    return "pieces_confirmed" if decision == Decision.AWAITING else None


def _new_piece(logs: Logs, at: datetime, outcome: Outcome, number: int, level: int) -> Rating:
    """Return piece ``number`` after the last one, recorded an instant after the one before."""
    version, pieces = outcome.working.version, outcome.working.pieces
    last_day = max([utc_day(at), *(piece.day for piece in pieces)])
    id = number + max([0, *(max(r.id, r.chain, r.piece, r.evidence) for r in logs.ratings)])
    recorded_at = at + number * _INSTANT
    return Rating(
        id=id,
        chain=id,
        piece=id,
        evidence=id,
        points=version.scale.level(level).points,
        mark=Mark.RATED,
        demonstrated_on=last_day,
        position=number + max([0, *(rating.position for rating in logs.ratings)]),
        recorded_at=recorded_at,
        first_recorded_at=recorded_at,
        voided_at=None,
        released_at=recorded_at,
        confirmed_at=None,
        needs_confirmation=False,
        task=number + max([0, *(rating.task for rating in logs.ratings)]),
        kind=min(version.kinds, default=0),
        purpose=min(version.purposes, default=0),
        application=True,
        setting=None,
        conditions=1,
        assessor=None,
        scale=version.scale.id,
        policy_version=version.id,
    )
