"""
Random logs on a small grid of days, so that instants, days and tasks often meet.

Each log is made from one drawn seed: the shares of clean and odd rows are then ours, and half of
the pairs become mastered; drawing field by field, nearly all stayed empty.
"""

from dataclasses import replace
from random import Random

from hypothesis import strategies as st

from mastery.engine.values import Gate, Judgement, Logs, Mark, Method, PolicyInForce, Rating, Scale

from .builders import CUTS, MIDPOINTS, SCALE, day, make_policy, make_rating, noon

OTHER_SCALE = Scale(2, SCALE.levels)
POINTS = [50, 100, 200, 250, 300, 300, 300, 350, 400, 400]
LAST_DAY = 14  # after everything but what happens on no day at all
ALL_KINDS = (
    "confirmation",
    "confirmation",
    "refusal",
    "override",
    "override_end",
    "reopening",
    "prior_standing",
    "own_target",
)
GATES = (
    (),
    (Gate("different_tasks", 2), Gate("independent", 1)),
    (Gate("application", 1), Gate("group_at_most", 1)),
)


def logs(kinds=ALL_KINDS, **fixed):
    """Return a strategy of logs; ``fixed`` are fields of every policy version."""
    return st.builds(
        lambda seed: random_logs(Random(seed), kinds, fixed), st.integers(0, 2**63 - 1)
    )


def random_logs(rng: Random, kinds, fixed) -> Logs:
    timeline = random_timeline(rng, fixed)
    chains = [random_chain(rng, id, timeline) for id in range(1, rng.randint(0, 7) + 1)]
    if len(chains) > 1 and rng.random() < 0.3:  # two raters of one piece
        first = chains[0][0]
        chains[1] = [
            replace(one, piece=first.piece, demonstrated_on=first.demonstrated_on, assessor=2)
            for one in chains[1]
        ]
    ratings = tuple(rating for chain in chains for rating in chain)
    count = rng.choice([0, 0, 1, 2, 3, 4])
    spoken = [random_judgement(rng, id, ratings, kinds) for id in range(1, count + 1)]
    versions = {entry.version.id: entry.version for entry in timeline}
    return Logs(ratings, tuple(one for one in spoken if one), timeline, versions)


def often(rng: Random, usual, *odd):
    """Return ``usual``, or one time in ten one of ``odd``."""
    return rng.choice(odd) if rng.random() < 0.1 else usual


def random_method(rng: Random) -> Method:
    q = rng.randint(1, 20)
    return rng.choice(
        [
            Method("n_of_last_m", 2, 2),
            Method("n_of_last_m", 2, 2),
            Method("n_of_last_m", 3, 4),
            Method("n_of_last_m", rng.randint(1, 3), None),
            Method("latest"),
            Method("highest"),
            Method("mean"),
            Method("decaying_average", p=rng.randint(0, q), q=q),
        ]
    )


def random_policy(rng: Random, id: int, fixed):
    drawn = {
        "id": id,
        "method": random_method(rng),
        "cuts": rng.choice([CUTS, CUTS, MIDPOINTS]),
        "target": rng.choice([2, 3, 3, 3]),
        "minimum_pieces": rng.choice([1, 2, 2, 3]),
        "gates": rng.choice(GATES),
        "purposes": often(rng, frozenset(), frozenset({1})),
        "kinds": often(rng, frozenset(), frozenset({1})),
        "reassessment": rng.choice(["adds", "adds", "replaces"]),
        "confirmation": rng.random() < 0.2,
        "decides": often(rng, True, False),
        "scale": often(rng, SCALE, OTHER_SCALE),
        "refresh_months": rng.choice([None, 6]),
    }
    return make_policy(**drawn | fixed)


def random_timeline(rng: Random, fixed) -> tuple[PolicyInForce, ...]:
    """Return up to three versions with their starts; the first may come back."""
    first = random_policy(rng, 1, fixed)
    entries = [PolicyInForce(rng.choice([None, None, noon(2)]), first)]
    starts = sorted(rng.sample(range(3, 11), rng.choice([0, 0, 1, 2])))
    for id, start in enumerate(starts, start=2):
        version = first if rng.random() < 0.2 else random_policy(rng, id, fixed)
        entries.append(PolicyInForce(noon(start), version, rng.random() < 0.5, "Ms Abara"))
    return tuple(entries)


def random_chain(rng: Random, id: int, timeline) -> list[Rating]:
    """Return the ratings of one chain: a first one, perhaps corrected, perhaps voided."""
    on = rng.randint(1, 9)
    recorded = on + often(rng, 0, 1, 2, 3)
    mark = often(rng, Mark.RATED, *Mark)
    released = often(rng, 0, 1, 3, None)
    pinned = [e for e in timeline if not e.starts_at or e.starts_at.date() <= day(on)]
    unconfirmed = rng.random() < 0.05
    made = [
        make_rating(
            id,
            rng.choice(POINTS) if mark == Mark.RATED else None,
            on,
            mark=mark,
            position=rng.randint(1, 2),
            recorded_at=noon(recorded),
            released_at=None if released is None else noon(recorded + released),
            needs_confirmation=unconfirmed,
            confirmed_at=noon(recorded + 1) if unconfirmed and rng.random() < 0.5 else None,
            task=rng.randint(1, 4),
            kind=often(rng, 1, 2),
            purpose=often(rng, 1, 2),
            application=rng.random() < 0.6,
            conditions=rng.choice([1, 1, 1, 2, 3]),
            assessor=often(rng, 1, 2, None),
            scale=often(rng, timeline[0].version.scale.id, 1, 2),
            policy_version=(pinned[-1] if pinned else timeline[0]).version.id,
        )
    ]
    for number in range(1, rng.choice([0, 0, 0, 0, 0, 1, 2]) + 1):
        points = rng.choice(POINTS) if mark == Mark.RATED else None
        at = max(noon(recorded + rng.randint(0, 4)), made[-1].recorded_at)
        moved = replace(made[-1], id=id + 100 * number, points=points, recorded_at=at)
        made.append(replace(moved, demonstrated_on=often(rng, moved.demonstrated_on, day(5))))
    if rng.random() < 0.15:
        at = max(noon(recorded + rng.randint(0, 4)), made[-1].recorded_at)
        made[-1] = replace(made[-1], voided_at=at)
    return made


def random_judgement(rng: Random, id: int, ratings, kinds) -> Judgement | None:
    """Return a judgement that says all its kind must say; None if it has nothing to speak of."""
    kind = rng.choice(kinds)
    said = {"id": id, "kind": kind, "recorded_at": noon(rng.randint(2, 12)), "by": 7}
    if kind in {"confirmation", "refusal"}:
        if not ratings:
            return None
        said["saw_rating"] = rng.choice(ratings).id
    if kind in {"override", "prior_standing"}:
        said["mastered"] = rng.choice([True, False, None])
        said["level"] = rng.randint(1, 4) if said["mastered"] is None else None
        said["starts_on"] = rng.choice([None, day(1)])
    if kind == "own_target":
        said["level"] = rng.choice([None, 1, 2, 3, 4])
        said["starts_on"] = rng.choice([None, day(rng.randint(1, 9))])
    if kind in {"override", "own_target"}:
        said["ends_at"] = rng.choice([None, noon(rng.randint(1, 12))])
    return Judgement(**said)
