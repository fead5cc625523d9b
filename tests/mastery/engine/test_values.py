"""What cannot be a policy, a scale or a judgement is refused when it is made."""

import pytest

from mastery.engine.values import Gate, Level, Method, Scale

from .builders import SCALE, judge, make_policy

LOW, HIGH = Level(1, "Emerging", 100), Level(2, "Developing", 200)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": Method("median_of_moods")}, "no method named"),
        ({"method": Method("n_of_last_m")}, "needs n"),
        ({"method": Method("n_of_last_m", 0, 2)}, "at least 1"),
        ({"method": Method("n_of_last_m", 3, 2)}, "n is above m"),
        ({"method": Method("decaying_average", p=1)}, "positive q"),
        ({"method": Method("decaying_average", q=1)}, "positive q"),
        ({"method": Method("decaying_average", p=1, q=0)}, "positive q"),
        ({"method": Method("decaying_average", p=3, q=2)}, "outside 0 to 1"),
        ({"method": Method("decaying_average", p=-1, q=2)}, "outside 0 to 1"),
        ({"target": 5}, "not one of the 4 levels"),
        ({"target": 0}, "not one of the 4 levels"),
        ({"cuts": (10_000, 20_000, 30_000)}, "4 levels need 4 cuts"),
        ({"cuts": (10_000, 30_000, 30_000, 40_000)}, "above the cut of the level below"),
        ({"minimum_pieces": 0}, "at least one piece"),
        ({"gates": (Gate("good_weather", 1),)}, "no gate named"),
        ({"gates": (Gate("different_tasks", 0),)}, "at least 1 piece"),
        ({"gates": (Gate("different_tasks", 3),)}, "only the last 2"),
        ({"gates": (Gate("group_at_most", -1),)}, "below 0"),
        ({"gates": (Gate("application", 1), Gate("application", 2))}, "only once"),
        ({"rater_rule": "loudest"}, "no rater rule"),
        ({"reassessment": "deletes"}, "adds or replaces"),
        ({"refresh_months": 0}, "at least one month"),
    ],
)
def test_a_policy_that_could_never_be_met_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make_policy(**changes)


def test_a_gate_may_ask_for_more_than_the_default_window_where_there_is_none():
    assert make_policy(method=Method("latest"), gates=(Gate("different_tasks", 9),))
    assert make_policy(gates=(Gate("group_at_most", 0),), refresh_months=1)


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ((), "at least one level"),
        ((HIGH,), "positions 1, 2, 3"),
        ((LOW, Level(2, "Developing", 100)), "more points"),
    ],
)
def test_a_scale_has_its_levels_in_order(levels, message):
    with pytest.raises(ValueError, match=message):
        Scale(1, levels)


def test_a_level_is_found_by_its_position():
    assert SCALE.level(3).name == "Proficient"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("applause", "no judgement of the kind"),
        ("confirmation", "last rating it saw"),
        ("refusal", "last rating it saw"),
        ("override", "mastered or a level"),
        ("prior_standing", "mastered or a level"),
    ],
)
def test_a_judgement_says_what_its_kind_must_say(kind, message):
    with pytest.raises(ValueError, match=message):
        judge(kind, 1)


@pytest.mark.parametrize("said", [{"mastered": False}, {"level": 2}])
def test_an_override_may_say_mastered_or_not_or_a_level(said):
    assert judge("override", 1, **said)
