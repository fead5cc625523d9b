"""What must hold of every log, whatever the policy."""

from dataclasses import replace
from random import Random

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mastery.engine import decide
from mastery.engine.levels import meets
from mastery.engine.values import Gate, Logs, Method, Rating

from .builders import CUTS, ONE_INDEPENDENT, SCALE, TWO_TASKS, make_logs, make_policy, noon, pieces
from .strategies import LAST_DAY, logs

INSTANTS = [noon(half / 2) for half in range(2 * LAST_DAY + 1)]
WINDOWED = [Method("n_of_last_m", 2, 2), Method("n_of_last_m", 3, 4), Method("n_of_last_m", 2)]
ALL_METHODS = [
    *WINDOWED,
    Method("latest"),
    Method("highest"),
    Method("mean"),
    Method("decaying_average", p=13, q=20),
]
levels = st.lists(st.sampled_from([100, 200, 300, 400]), max_size=8)


def plain(points, method, **changes) -> Logs:
    """Return one piece a day, each on its own task, under ``method`` with cuts equal to points."""
    policy = make_policy(method=method, gates=(TWO_TASKS, ONE_INDEPENDENT), **changes)
    letters = " ".join(f"{chr(65 + i)}{p / 100}" for i, p in enumerate(points))
    return make_logs(pieces(letters), (), policy)


@settings(max_examples=200, deadline=None)
@given(logs())
def test_a_later_instant_only_adds_advancements(log):
    earlier = ()
    for at in INSTANTS:
        now = decide(log, at).advancements
        assert now[: len(earlier)] == earlier
        earlier = now


@settings(max_examples=200, deadline=None)
@given(logs())
def test_advancements_alternate_and_count_from_one(log):
    told = decide(log, noon(LAST_DAY)).advancements

    assert [one.number for one in told] == [*range(1, len(told) + 1)]
    mastered = False
    for one in told:
        assert (one.kind == "mastered") == (not mastered)
        mastered = one.kind != "reopened"
    assert mastered == (decide(log, noon(LAST_DAY)).state.decision == "mastered")


@settings(max_examples=200, deadline=None)
@given(logs(), st.integers(0, 2**32))
def test_the_order_of_delivery_does_not_matter(log, seed):
    rng = Random(seed)
    shuffled = replace(
        log,
        ratings=tuple(rng.sample(log.ratings, len(log.ratings))),
        judgements=tuple(rng.sample(log.judgements, len(log.judgements))),
    )

    assert decide(shuffled, noon(LAST_DAY)) == decide(log, noon(LAST_DAY))


@settings(max_examples=200, deadline=None)
@given(logs(kinds=["own_target", "prior_standing", "override"], decides=True, scale=SCALE))
def test_one_more_piece_at_the_target_never_takes_mastery_away(log):
    # Past the last day that anything in a random log happens on, a late correction included.
    at = noon(LAST_DAY + 3)
    before = decide(log, at).state
    assume(before.decision == "mastered")
    version = log.policies[-1].version
    points = version.scale.level(max(before.target, version.target)).points

    for conditions in (1, 3):
        piece = new_piece(log, points=points, conditions=conditions)
        after = decide(replace(log, ratings=(*log.ratings, piece)), at).state
        assert after.decision == "mastered"


def new_piece(log: Logs, **changes) -> Rating:
    (piece,) = pieces(f"A3@{LAST_DAY}")
    numbers = {"id": 900, "chain": 900, "piece": 900, "task": 900}
    return replace(piece, **numbers, policy_version=log.policies[-1].version.id, **changes)


@settings(max_examples=200, deadline=None)
@given(levels, st.sampled_from(ALL_METHODS), st.integers(1, 3))
def test_a_lower_piece_never_raises_what_is_shown(points, method, minimum):
    before = decide(plain(points, method, minimum_pieces=minimum), noon(100)).state.shown
    assume(before.level)

    for lower in range(50, SCALE.level(before.level).points, 50):
        log = plain([*points, lower], method, minimum_pieces=minimum)
        assert (decide(log, noon(100)).state.shown.level or 0) <= before.level


@settings(max_examples=200, deadline=None)
@given(levels, st.sampled_from(WINDOWED))
def test_a_lower_piece_before_the_others_never_keeps_mastery_away(points, method):
    without = decide(plain(points, method), noon(100)).state

    if without.decision == "mastered":
        assert decide(plain([100, *points], method), noon(100)).state.decision == "mastered"


@settings(max_examples=200, deadline=None)
@given(logs())
def test_no_evidence_is_never_a_level(log):
    state = decide(log, noon(LAST_DAY)).state

    assert (state.estimate is None) or state.counted > 0
    if state.decision == "no_evidence":
        assert (state.level, state.shown.level, state.counted) == (None, None, 0)


@settings(max_examples=60, deadline=None)
@given(logs())
def test_nothing_changes_before_the_instant_it_says(log):
    for at in INSTANTS:
        state = decide(log, at).state
        news = {event for event in _knowledge(log) if event > at}
        until = min([*news, *([state.valid_until] if state.valid_until else [])], default=None)
        for later in INSTANTS:
            if later > at and (until is None or later < until):
                assert decide(log, later).state == state


def _knowledge(log: Logs):
    for rating in log.ratings:
        yield from filter(None, (rating.recorded_at, rating.voided_at, rating.confirmed_at))
    for judgement in log.judgements:
        yield judgement.recorded_at


@given(st.integers(1, 60), st.integers(1, 19))
def test_a_decaying_average_never_reaches_the_points_it_approaches(threes, p):
    method = Method("decaying_average", p=p, q=20)
    policy = make_policy(method=method, cuts=CUTS, gates=(Gate("independent", 1),))
    letters = " ".join(["A2", *(f"{chr(256 + i)}3" for i in range(threes))])

    state = decide(make_logs(pieces(letters), (), policy), noon(100)).state

    assert state.decision == "not_yet"
    assert state.level == 2


@settings(max_examples=200, deadline=None)
@given(logs())
def test_a_prefix_meets_its_target_when_every_rule_of_the_record_is_met(log):
    working = decide(log, noon(LAST_DAY)).working

    met = meets(working.version, working.target, working.pieces)

    assert met == all(check.met for check in working.checks)
