from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mastery.engine.levels import default_cuts, level_reached
from mastery.engine.methods import METHODS
from mastery.engine.values import Estimate, Method

from .builders import CUTS, MIDPOINTS, SCALE, decided, make_policy

HEAVY = Method("decaying_average", p=4, q=5)  # not one half, which would hide swapped weights
points = st.lists(st.integers(0, 500), min_size=1, max_size=15)


def work(method, *points):
    """Return the estimate of whole points."""
    number, den = METHODS[method.name].work(method, [round(100 * p) for p in points])
    return Fraction(number, den * 100)


def test_n_of_last_m_is_the_nth_highest_of_the_last_m():
    assert work(Method("n_of_last_m", 3, 4), 4, 1, 3, 4, 2) == 2
    assert work(Method("n_of_last_m", 2, 2), 4, 4, 1, 3) == 1
    assert work(Method("n_of_last_m", 2, None), 4, 1, 2, 3) == 3


def test_n_of_last_m_needs_n_pieces():
    assert METHODS["n_of_last_m"].work(Method("n_of_last_m", 2, 3), [300]) is None


def test_latest_highest_and_mean():
    assert work(Method("latest"), 4, 1, 2) == 2
    assert work(Method("highest"), 1, 4, 2) == 4
    assert work(Method("mean"), 1, 4, 2) == Fraction(7, 3)


def test_a_newer_piece_takes_its_weight_from_the_estimate_so_far():
    # 0.8 * 1 + 0.2 * (0.8 * 2 + 0.2 * 4) = 1.28
    assert work(HEAVY, 4, 2, 1) == Fraction(128, 100)


@pytest.mark.parametrize(("p", "result"), [(0, 4), (1, 1)])
def test_weights_at_their_ends_keep_the_first_or_the_last(p, result):
    assert work(Method("decaying_average", p=p, q=1), 4, 2, 1) == result


@given(points, st.sampled_from([Method("n_of_last_m", 1, 3), Method("mean"), HEAVY,
                                Method("latest"), Method("highest")]))  # fmt: skip
def test_an_estimate_never_leaves_the_range_of_the_points(values, method):
    number, den = METHODS[method.name].work(method, values)

    assert min(values) * den <= number <= max(values) * den


@pytest.mark.parametrize("cut", CUTS)
def test_an_estimate_on_a_cut_reaches_it_and_one_beside_it_does_not(cut):
    version = make_policy()
    level = CUTS.index(cut) + 1
    below = level - 1 or None

    assert level_reached(version, Estimate(cut, 100)) == level
    assert level_reached(version, Estimate(cut * 10**9 + 1, 10**11)) == level
    assert level_reached(version, Estimate(cut * 10**9 - 1, 10**11)) == below


def test_a_mean_a_hair_under_a_cut_is_not_rounded_up_to_it():
    # one 2.99 among a hundred 3s: 2.9999
    many = " ".join(["A2.99", *(f"{chr(256 + i)}3" for i in range(99))])

    state = decided(many, policy=make_policy(method=Method("mean")), at=200).state

    assert state.estimate == Estimate(29_999, 100)
    assert state.estimate.stored == 29_999
    assert (state.decision, state.level) == ("not_yet", 2)


def test_the_stored_estimate_is_rounded_half_up():
    assert Estimate(800, 3).stored == 26_667
    assert Estimate(1, 200).stored == 1
    assert Estimate(299_999_999, 1_000_000).stored == 30_000


def test_cuts_are_the_points_but_midpoints_for_methods_that_average():
    assert default_cuts(SCALE, Method("latest")) == CUTS
    assert default_cuts(SCALE, Method("mean")) == MIDPOINTS
