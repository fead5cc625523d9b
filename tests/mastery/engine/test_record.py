# ruff: noqa: RUF001  (the multiplication sign is what the record writes)
import json
from dataclasses import replace

import pytest

from mastery.engine import Names, explain
from mastery.engine.templates import CAUSES, CHANGES, NOT_COUNTED, STEPS
from mastery.engine.values import Gate, Method, PolicyInForce

from .builders import CUTS, MIDPOINTS, corrected, judge, make_logs, make_policy, noon, pieces
from .strategies import LAST_DAY
from .test_cases import CASES

NAMES = Names(
    tasks={65: "Taxi fares", 66: "Phone plans"},
    assessors={1: "Ms Abara", 7: "Mr Cruz"},
    kinds={1: "Project"},
)
ANY = Method("n_of_last_m", 2, None)
DECAYING = Method("decaying_average", p=13, q=20)


def explained(letters="", *judgements, at=100.0, **policy):
    logs = make_logs(pieces(letters), judgements, make_policy(**policy))
    return explain(logs, noon(at), NAMES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_case_has_a_record_that_agrees_with_it(case):
    record = explain(case.logs, case.at)

    assert (record.decision, record.level, record.shown) == (case.decision, case.level, case.shown)
    json.dumps(record.as_dict())
    assert record.as_text().startswith(case.shown)


def test_each_rule_says_what_it_has_and_needs():
    rules = {line.rule: line for line in explained("A1 B3").rules}

    assert rules["minimum_pieces"].sentence == "Pieces that count: 2 of 2."
    assert rules["level"].sentence == "The estimate is under the cut of Proficient: 1 of 3."
    assert rules["different_tasks"].sentence == "Different tasks at Proficient or above: 1 of 2."
    assert (rules["independent"].have, rules["independent"].met) == (1, True)


def test_the_level_rule_says_when_there_is_no_estimate_and_when_it_is_reached():
    assert explained("A3").rules[1].sentence.startswith("Too few pieces for an estimate; ")
    assert explained("A3 B4").rules[1].sentence.startswith("The estimate is at the cut of ")


def test_an_estimate_a_hair_under_a_cut_is_said_to_be_about_it():
    record = explained("A2 " + " ".join(f"{chr(256 + i)}3" for i in range(20)),
                       method=DECAYING, cuts=CUTS)  # fmt: skip

    assert record.rules[1].sentence == "The estimate is under the cut of Proficient: about 3 of 3."


@pytest.mark.parametrize(
    ("method", "written"),
    [
        (Method("n_of_last_m", 2, 2), "the lowest of the last 2: 3, 2.5 → 2.5"),
        (Method("n_of_last_m", 2, 3), "the 2. highest of the last 3: 2, 3, 2.5 → 2.5"),
        (Method("n_of_last_m", 2, None), "the 2. highest of all pieces: 2, 3, 2.5 → 2.5"),
        (Method("latest"), "the latest of 2, 3, 2.5 → 2.5"),
        (Method("highest"), "the highest of 2, 3, 2.5 → 3"),
        (Method("mean"), "(2 + 3 + 2.5) ÷ 3 = 2.5"),
        (DECAYING, "0.35 × 2 + 0.65 × 3 = 2.65; 0.35 × 2.65 + 0.65 × 2.5 = 2.5525"),
        (Method("decaying_average", p=1, q=3),
         "about 0.6667 × 2 + about 0.3333 × 3 = about 2.3333; "
         "about 0.6667 × about 2.3333 + about 0.3333 × 2.5 = about 2.3889"),
    ],
)  # fmt: skip
def test_the_calculation_can_be_redone_by_hand(method, written):
    assert explained("A2 B3 C2.5", method=method).calculation == written


def test_there_may_be_nothing_to_calculate_yet():
    assert explained().calculation == "Nothing to calculate yet."
    assert explained("A3").calculation == "Too few pieces for an estimate yet: 3"
    assert explained("A3", method=DECAYING, cuts=MIDPOINTS).calculation == "3"


def test_counted_pieces_and_deciding_ones_are_named():
    record = explained("C2 A3 B3")

    assert [line.task for line in record.counted] == ["#67", "Taxi fares", "Phone plans"]
    assert (record.counted[1].level_name, record.counted[1].points) == ("Proficient", "3")
    assert (record.counted[1].kind, record.counted[1].assessors) == ("Project", ("Ms Abara",))
    assert record.deciding.pieces == (2, 3)
    assert record.deciding.sentence == (
        "Rests on Taxi fares, Phone plans, judged by Two in a row v1, target Proficient."
    )


def test_what_does_not_count_says_why():
    first, second = pieces("A3 B3")
    mended = corrected(second, 3, 200, 4)

    record = explain(make_logs((replace(first, assessor=None), second, mended)), noon(9), NAMES)

    (line,) = record.not_counted
    assert (line.rating, line.reason, line.task) == (2, "superseded", "Phone plans")
    assert line.sentence == "Does not count: a correction took its place."
    assert record.counted[0].assessors == ("",)


def test_a_person_is_named_where_a_person_acted():
    override = judge("override", 4, mastered=True, reason="explained it orally")

    record = explained("A1", override)

    assert record.judgements[0].sentence == "Set by Mr Cruz: explained it orally"
    assert record.advancements[0].sentence.endswith("decided 2026-09-04: set by Mr Cruz.")
    assert record.calculated == "not_yet"


def test_a_policy_applied_names_who_applied_it():
    steady = make_policy(id=2, method=Method("n_of_last_m", 3, 4))

    def last_sentence(by):
        timeline = (PolicyInForce(None, make_policy()), PolicyInForce(noon(9), steady, True, by))
        record = explain(make_logs(pieces("A3 B3"), (), timeline), noon(50), NAMES)
        return record.advancements[-1].sentence

    assert last_sentence("Ms Abara").endswith("the policy was applied by Ms Abara.")
    assert last_sentence(None).endswith("the policy changed.")


@pytest.mark.parametrize(
    ("letters", "policy", "change"),
    [
        ("", {}, ("pieces", 2, 3)),
        ("A3", {}, ("pieces", 1, 3)),
        ("A1", {}, ("pieces", 2, 3)),
        ("A3 A3", {}, ("pieces", 1, 3)),
        ("A2 B3 C3", {"method": DECAYING}, ("pieces", 1, 4)),
        ("A2", {"method": DECAYING, "target": 4}, ("none", None, None)),
        ("A3", {"confirmation": True}, ("pieces_confirmed", 1, 3)),
        ("A3 B3", {"confirmation": True}, ("confirmation", None, None)),
        ("A1", {"kinds": frozenset({4}), "purposes": frozenset({5})}, ("pieces", 2, 3)),
        ("A1", {"gates": (Gate("application", 1),)}, ("pieces", 2, 3)),
    ],
)
def test_what_would_change_it_is_the_smallest_further_evidence(letters, policy, change):
    found = explained(letters, **policy).what_would_change_it

    assert (found.code, found.pieces, found.level) == change


def test_nothing_is_left_to_change_when_mastered_or_only_described():
    assert explained("A3 B3").what_would_change_it is None
    assert explained("A3", decides=False).what_would_change_it is None


def test_only_a_person_changes_what_a_person_set():
    found = explained("A3 B3", judge("override", 4, mastered=False)).what_would_change_it

    assert found.code == "person"
    assert found.sentence == "A teacher set this; only a person ends it."


def test_adding_what_it_names_really_changes_it():
    logs = make_logs(pieces("A1 B2"))
    change = explain(logs, noon(9)).what_would_change_it
    more = pieces(
        "A1 B2 " + " ".join(f"{chr(256 + i)}{change.level}" for i in range(change.pieces))
    )

    assert explain(make_logs(more), noon(9)).decision == "mastered"
    assert explain(make_logs(more[:-1]), noon(9)).decision == "not_yet"


def test_a_record_goes_through_the_hook_for_translation():
    record = explain(make_logs(pieces("A3")), noon(9), NAMES, lambda text: f"¿{text}?")

    assert record.next_step.sentence == "¿Show 1 more at Proficient or above.?"
    assert record.decision_name == "¿Not yet?"


def test_every_sentence_can_be_filled():
    places = {"pieces": 2, "level": "Proficient", "by": "Mr Cruz"}
    for table in (NOT_COUNTED, STEPS, CHANGES, CAUSES):
        for sentence in table.values():
            assert "{" not in sentence.format(**places)


def test_a_record_is_of_its_instant():
    logs = make_logs(pieces("A3 B3"))

    record = explain(logs, noon(1), NAMES)

    assert [line.piece for line in record.counted] == [1]
    assert record.as_dict()["as_of"] == noon(1).isoformat()
    assert record.as_dict()["counted"][0]["day"] == "2026-09-01"


def test_the_last_task_of_a_deciding_piece_is_named():
    first, second = pieces("A3 B3")
    moved = replace(corrected(second, 3, 300, 4), task=70)

    record = explain(make_logs((first, second, moved)), noon(LAST_DAY), NAMES)

    assert "#70" in record.deciding.sentence
