from dataclasses import replace

import pytest

from mastery.engine import decide_rollup
from mastery.engine.rollup import ChildLog, RollupRule, RollupRuleInForce

from .builders import day, judge, noon

ALL = RollupRule("all")
TWO = RollupRule("k_of_n", 2)


def child(competency, *changes, since=0.0, until=None):
    """Return a live edge; ``changes`` are (day, mastered)."""
    told = tuple((noon(on), mastered) for on, mastered in changes)
    return ChildLog(competency, noon(since), None if until is None else noon(until), told)


def rolled(rule, *children, judgements=(), rules=(), at=50.0):
    return decide_rollup(rule, children, rules, judgements, noon(at))


def told(outcome):
    return [(str(a.kind), a.cause, a.decided_at) for a in outcome.advancements]


def test_all_children_mastered_make_the_parent_mastered_at_that_instant():
    outcome = rolled(ALL, child(1, (1, True)), child(2, (2, False), (5, True)))

    assert (outcome.decision, outcome.basis) == ("mastered", "rollup")
    assert (outcome.have, outcome.need, outcome.total) == (2, 2, 2)
    assert outcome.mastered_on == day(5)
    assert told(outcome) == [("mastered", "child", noon(5))]
    assert outcome.advancements[0].cause_id == 2


def test_a_parent_says_how_many_of_how_many():
    outcome = rolled(TWO, child(1, (1, True)), child(2, (2, False)), child(3))

    assert (outcome.decision, outcome.have, outcome.need, outcome.total) == ("not_yet", 1, 2, 3)


def test_a_child_open_again_takes_the_parent_with_it():
    outcome = rolled(ALL, child(1, (1, True), (4, False), (6, True)), child(2, (2, True)))

    assert told(outcome) == [
        ("mastered", "child", noon(2)),
        ("reopened", "child", noon(4)),
        ("mastered", "child", noon(6)),
    ]


def test_of_two_changes_at_one_instant_the_last_listed_stands():
    assert rolled(ALL, child(1, (1, True), (1, False))).decision == "not_yet"


def test_no_child_with_anything_is_no_evidence():
    assert rolled(ALL, child(1), child(2)).decision == "no_evidence"
    assert rolled(ALL).decision == "no_evidence"


def test_a_new_edge_asks_for_more_and_a_removed_one_for_less():
    late = child(2, since=4, until=8)

    outcome = rolled(ALL, child(1, (1, True)), late)

    assert told(outcome) == [
        ("mastered", "child", noon(1)),
        ("reopened", "child", noon(4)),
        ("mastered", "child", noon(8)),
    ]
    assert rolled(ALL, child(1, (1, True)), late, at=8).total == 1


def test_a_rule_in_force_later_changes_what_is_needed():
    rules = [RollupRuleInForce(noon(5), RollupRule("k_of_n", 1))]

    outcome = rolled(TWO, child(1, (1, True)), child(2), rules=rules)

    assert told(outcome) == [("mastered", "rule", noon(5))]
    assert outcome.need == 1


def test_more_needed_than_there_are_children_is_never_met():
    assert rolled(TWO, child(1, (1, True))).decision == "not_yet"


def test_an_override_stands_in_front_until_a_person_ends_it():
    override = judge("override", 3, mastered=True)
    ended = judge("override_end", 6, id=2)

    during = rolled(ALL, child(1, (1, False)), judgements=[override])
    after = rolled(ALL, child(1, (1, False)), judgements=[override, ended])

    assert (during.decision, during.basis, during.mastered_on) == ("mastered", "override", day(3))
    assert told(after) == [("mastered", "override", noon(3)), ("reopened", "override_end", noon(6))]


def test_an_override_against_mastery_ends_on_its_day():
    override = judge("override", 3, mastered=False, ends_at=noon(6))

    before = rolled(ALL, child(1, (1, True)), judgements=[override], at=5)

    assert (before.decision, before.basis) == ("not_yet", "override")
    assert told(rolled(ALL, child(1, (1, True)), judgements=[override])) == [
        ("mastered", "child", noon(1)),
        ("reopened", "override", noon(3)),
        ("mastered", "override_end", noon(6)),
    ]


def test_a_prior_standing_speaks_until_the_children_do():
    prior = judge("prior_standing", 2, mastered=True, starts_on=day(1))

    alone = rolled(ALL, child(1), judgements=[prior])
    later = rolled(ALL, child(1, (4, True)), judgements=[prior])

    assert (alone.decision, alone.basis, alone.mastered_on) == (
        "mastered",
        "prior_standing",
        day(1),
    )
    assert told(later)[1:] == [("redated", "child", noon(4))]


def test_a_prior_standing_short_of_mastery_is_a_beginning():
    outcome = rolled(ALL, child(1), judgements=[judge("prior_standing", 2, mastered=False)])

    assert (outcome.decision, outcome.basis) == ("not_yet", "prior_standing")


def test_after_a_reopening_it_takes_a_child_mastered_since():
    reopening = judge("reopening", 4)
    first, second = child(1, (1, True)), child(2, (2, True))

    again = replace(second, changes=(*second.changes, (noon(6), False), (noon(7), True)))

    assert rolled(ALL, first, second, judgements=[reopening]).decision == "not_yet"
    assert told(rolled(ALL, first, again, judgements=[reopening])) == [
        ("mastered", "child", noon(2)),
        ("reopened", "reopening", noon(4)),
        ("mastered", "child", noon(7)),
    ]


def test_other_judgements_are_not_about_a_roll_up():
    own = judge("own_target", 2, level=2)

    assert rolled(ALL, child(1, (1, True)), judgements=[own]).decision == "mastered"


@pytest.mark.parametrize(
    ("kind", "k", "message"),
    [("most", None, "no roll-up rule"), ("k_of_n", None, "needs k"), ("k_of_n", 0, "at least 1")],
)
def test_a_rule_no_children_could_meet_is_refused(kind, k, message):
    with pytest.raises(ValueError, match=message):
        RollupRule(kind, k)


def test_a_later_instant_only_adds_advancements():
    children = (child(1, (1, True), (4, False), (6, True)), child(2, (2, True), (9, False)))
    judgements = [judge("override", 5, mastered=True), judge("reopening", 7, id=2)]
    earlier = []
    for half in range(24):
        now = told(rolled(ALL, *children, judgements=judgements, at=half / 2))
        assert now[: len(earlier)] == earlier
        earlier = now
