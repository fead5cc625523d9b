"""The instants at which something about a pair became known, and what it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from mastery.engine.values import Judgement, Logs, Rating

POLICY, RATING, JUDGEMENT = range(3)  # within an instant in this order
TIME_IS_UP = "time_is_up"  # the event; its cause is the end of an override

# What a change is put down to when several things happened at its instant: the first of these.
GAINED = (
    "reopening",
    "override",
    "override_end",
    "prior_standing",
    "confirmation",
    "policy",
    "own_target",
    "correction",
    "void",
    "release",
    "substitute_confirmed",
    "evidence",
)
LOST = (  # or moved to other ground
    "reopening",
    "override",
    "override_end",
    "policy",
    "void",
    "correction",
    "evidence",
    "release",
    "substitute_confirmed",
    "confirmation",
    "prior_standing",
    "own_target",
)


class Event(NamedTuple):
    """One thing that became known; sorts by instant, then as it is to be taken in."""

    at: datetime
    order: int
    id: int  # rating, judgement, or place in the policy timeline
    what: str
    piece: int = 0  # of a rating
    judgement: Judgement | None = None


def instants(logs: Logs, at: datetime) -> Iterator[tuple[datetime, list[Event]]]:
    """Yield what became known by ``at``, instant by instant."""
    events = [event for event in _events(logs) if event.at <= at]
    events.sort(key=itemgetter(0, 1, 2, 3))
    for instant, together in groupby(events, key=itemgetter(0)):
        yield instant, list(together)


def cause(
    events: list[Event], policies: tuple[int, ...], order: tuple[str, ...]
) -> tuple[str, int]:
    """
    Return what a change at the instant of ``events`` is put down to, and its id.

    ``policies`` are the version ids of the timeline, by place; ``order`` is ``GAINED`` or ``LOST``.
    """
    named = [("override_end" if e.what == TIME_IS_UP else e.what, e) for e in events]
    what, event = min(
        ((what, event) for what, event in named if what in order),
        key=lambda pair: (order.index(pair[0]), -pair[1].id),
    )
    return what, policies[event.id] if event.order == POLICY else event.id


def _events(logs: Logs) -> Iterator[Event]:
    for rating in logs.ratings:
        yield from _of_rating(rating)
    for judgement in logs.judgements:
        recorded = judgement.recorded_at
        yield Event(recorded, JUDGEMENT, judgement.id, judgement.kind, 0, judgement)
        if judgement.kind == "override" and judgement.ends_at is not None:
            ends_at = max(judgement.ends_at, recorded)
            yield Event(ends_at, JUDGEMENT, judgement.id, TIME_IS_UP)
    for place, entry in enumerate(logs.policies):
        if entry.starts_at is not None:
            yield Event(entry.starts_at, POLICY, place, "policy")


def _of_rating(rating: Rating) -> Iterator[Event]:
    recorded, piece = rating.recorded_at, rating.piece
    what = "evidence" if rating.id == rating.chain else "correction"
    yield Event(recorded, RATING, rating.id, what, piece)
    for later, when in (
        ("void", rating.voided_at),
        ("release", rating.released_at),
        ("substitute_confirmed", rating.confirmed_at),
    ):
        if when is not None and when > recorded:
            yield Event(when, RATING, rating.id, later, piece)
