"""Short ways to write logs: valid by default, name only what matters."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from mastery.engine import decide
from mastery.engine.values import (
    Gate,
    Judgement,
    Level,
    Logs,
    Mark,
    Method,
    Outcome,
    PolicyInForce,
    PolicyVersion,
    Rating,
    Scale,
)

NAMES = ("Emerging", "Developing", "Proficient", "Extending")
SCALE = Scale(1, tuple(Level(i, name, 100 * i) for i, name in enumerate(NAMES, start=1)))
CUTS = (10_000, 20_000, 30_000, 40_000)
MIDPOINTS = (10_000, 15_000, 25_000, 35_000)
EXCUSED, MISSED, NOT_SHOWN = Mark.EXCUSED, Mark.MISSED, Mark.NOT_SHOWN

IN_A_ROW = Method("n_of_last_m", 2, 2)
TWO_TASKS = Gate("different_tasks", 2)
ONE_INDEPENDENT = Gate("independent", 1)


def day(number: int) -> date:
    """Return the day with ``number``; day 1 is 1 September 2026."""
    return date(2026, 8, 31) + timedelta(days=number)


def noon(number: float) -> datetime:
    """Return noon of the day with ``number``; a fraction is that much later."""
    return datetime(2026, 8, 31, 12, tzinfo=UTC) + timedelta(days=number)


def make_policy(**changes: Any) -> PolicyVersion:
    """Return a version of *two in a row*, with ``changes``."""
    policy = {
        "id": 1,
        "name": "Two in a row",
        "number": 1,
        "scale": SCALE,
        "method": IN_A_ROW,
        "target": 3,
        "cuts": CUTS,
        "gates": (TWO_TASKS, ONE_INDEPENDENT),
    }
    return PolicyVersion(**policy | changes)


def make_rating(id: int, points: int | None, on: int, **changes: Any) -> Rating:
    """Return a rating of ``points`` hundredths for a piece of its own, typed at noon of ``on``."""
    recorded_at = changes.get("recorded_at", noon(on))
    rating = {
        "id": id,
        "chain": id,
        "piece": id,
        "evidence": id,
        "points": points,
        "mark": Mark.RATED,
        "demonstrated_on": day(on),
        "position": id,
        "recorded_at": recorded_at,
        "first_recorded_at": recorded_at,
        "voided_at": None,
        "released_at": recorded_at,
        "confirmed_at": None,
        "needs_confirmation": False,
        "task": id,
        "kind": 1,
        "purpose": 1,
        "application": False,
        "setting": None,
        "conditions": 1,
        "assessor": 1,
        "scale": SCALE.id,
        "policy_version": 1,
    }
    return Rating(**rating | changes)


def pieces(letters: str, **changes: Any) -> tuple[Rating, ...]:
    """
    Return one piece a word of ``letters`` on the days 1, 2, 3 …; ``A3`` is task A at level 3.

    ``A3@5`` puts it on day 5.
    """
    made = []
    for number, word in enumerate(letters.split(), start=1):
        what, _, on = word.partition("@")
        points = round(float(what[1:]) * 100)
        made.append(make_rating(number, points, int(on or number), task=ord(what[0]), **changes))
    return tuple(made)


def corrected(rating: Rating, id: int, points: int, on: int) -> Rating:
    """Return the rating that takes the place of ``rating`` on day ``on``."""
    at = noon(on)
    return replace(rating, id=id, points=points, recorded_at=at)


def make_logs(
    ratings: Iterable[Rating] = (),
    judgements: Iterable[Judgement] = (),
    policies: PolicyVersion | Iterable[PolicyInForce] | None = None,
) -> Logs:
    """Return logs under *two in a row* since ever, or under ``policies``."""
    if policies is None or isinstance(policies, PolicyVersion):
        policies = (PolicyInForce(None, policies or make_policy()),)
    timeline = tuple(policies)
    versions = {entry.version.id: entry.version for entry in timeline}
    return Logs(tuple(ratings), tuple(judgements), timeline, versions)


def decided(
    letters: str = "",
    *judgements: Judgement,
    policy: PolicyVersion | None = None,
    at: float = 100,
    **changes: Any,
) -> Outcome:
    """Decide ``letters`` (see ``pieces``) and ``judgements`` at noon of day ``at``."""
    return decide(make_logs(pieces(letters, **changes), judgements, policy), noon(at))


def judge(kind: str, on: float, **changes: Any) -> Judgement:
    """Return a judgement of ``kind`` at noon of day ``on``."""
    return Judgement(**{"id": 1, "kind": kind, "recorded_at": noon(on), "by": 7} | changes)
