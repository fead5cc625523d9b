"""What the numbered cases leave open: marks, dates, next steps, judgements and mixed policies."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from mastery.engine import decide, shown_sentence
from mastery.engine.days import midnight, months_later, utc_day
from mastery.engine.values import (
    AdvancementKind,
    Basis,
    Gate,
    Logs,
    Method,
    PolicyInForce,
    Scale,
    Shown,
)

from .builders import (
    SCALE,
    corrected,
    day,
    decided,
    judge,
    make_logs,
    make_policy,
    make_rating,
    noon,
    pieces,
)

STEADY = make_policy(id=2, name="Steady", method=Method("n_of_last_m", 3, 4))
CONFIRMED = make_policy(confirmation=True)


def said(outcome):
    return shown_sentence(outcome.state.shown, outcome.state.decision, SCALE)


def log(outcome):
    return " ".join(f"{one.kind}:{one.cause}:{one.cause_id}" for one in outcome.advancements)


# Advancements


def test_an_advancement_names_its_pieces_and_what_judged_them():
    (advancement,) = decided("A1 B3 C3").advancements

    assert advancement.kind == AdvancementKind.MASTERED
    assert advancement.basis == Basis.EVIDENCE
    assert (advancement.policy_version, advancement.target) == (1, 3)
    assert (advancement.pieces, advancement.deciding) == ((1, 2, 3), (2, 3))
    assert (advancement.cause, advancement.cause_id) == ("evidence", 3)
    assert (advancement.number, advancement.decided_at) == (1, noon(3))


def test_a_corrected_day_moves_the_day_of_mastery():
    first, second = pieces("A3 B3@5")
    moved = replace(corrected(second, 3, 300, 6), demonstrated_on=day(4))

    outcome = decide(make_logs((first, second, moved)), noon(9))

    assert outcome.state.mastered_on == day(4)
    assert log(outcome) == "mastered:evidence:2 redated:correction:3"


def test_a_void_of_a_piece_that_is_not_needed_changes_nothing():
    first, second, third = pieces("A1 B3 C3")

    outcome = decide(make_logs((replace(first, voided_at=noon(8)), second, third)), noon(9))

    assert log(outcome) == "mastered:evidence:3"
    assert outcome.state.counted == 2


def test_an_advancement_whose_pieces_are_all_gone_is_over():
    ratings = tuple(replace(rating, voided_at=noon(8)) for rating in pieces("A3 B3"))

    outcome = decide(make_logs(ratings), noon(9))

    assert outcome.state.decision == "no_evidence"
    assert log(outcome) == "mastered:evidence:2 reopened:void:2"


def test_a_void_is_not_put_down_to_a_confirmation_of_the_same_instant():
    first, second = pieces("A3 B3")
    words = [judge("confirmation", on, id=on, saw_rating=2) for on in (4, 6)]

    outcome = decide(make_logs((first, replace(second, voided_at=noon(6))), words, CONFIRMED),
                     noon(9))  # fmt: skip

    assert log(outcome) == "mastered:confirmation:4 reopened:void:2"


def test_evidence_takes_the_ground_of_a_prior_standing():
    outcome = decided("A3 B3@6", judge("prior_standing", 3, mastered=True))

    assert log(outcome) == "mastered:prior_standing:1 redated:evidence:2"
    assert outcome.advancements[1].pieces == (1, 2)
    assert outcome.advancements[0].policy_version is None


# Policies


def test_a_recompute_that_still_holds_keeps_the_advancement():
    applied = (
        PolicyInForce(None, make_policy()),
        PolicyInForce(noon(9), STEADY, recompute=True),
    )

    outcome = decide(make_logs(pieces("A3 B3 C3"), (), applied), noon(20))

    # A and B alone do not meet three of the last four: only the prefix up to C does
    assert log(outcome) == "mastered:evidence:2 redated:policy:2"
    assert outcome.advancements[1].policy_version == 2

    easier = make_policy(id=2, method=Method("highest"), minimum_pieces=1)
    applied = (PolicyInForce(None, make_policy()), PolicyInForce(noon(9), easier, recompute=True))
    assert log(decide(make_logs(pieces("A3 B3"), (), applied), noon(20))) == "mastered:evidence:2"


def test_a_version_that_comes_back_does_not_undo_a_recompute():
    timeline = (
        PolicyInForce(None, make_policy()),
        PolicyInForce(noon(9), STEADY, recompute=True),
        PolicyInForce(noon(12), make_policy(gates=(Gate("application", 1),), id=3)),
        PolicyInForce(noon(15), make_policy()),
    )
    versions = {entry.version.id: entry.version for entry in timeline}

    outcome = decide(Logs(pieces("A3 B3"), (), timeline, versions), noon(14))

    assert log(outcome) == "mastered:evidence:2 reopened:policy:2"


def test_a_version_pinned_from_elsewhere_judges_its_pieces():
    elsewhere = make_policy(id=9, method=Method("highest"), minimum_pieces=1, gates=())
    versions = {1: make_policy(), 9: elsewhere}
    timeline = (PolicyInForce(None, versions[1]),)
    ratings = pieces("A3", policy_version=9)

    assert log(decide(Logs(ratings, (), timeline, versions), noon(9))) == "mastered:evidence:1"

    applied = (*timeline, PolicyInForce(noon(5), STEADY, recompute=True))
    moved = decide(Logs(ratings, (), applied, {**versions, 2: STEADY}), noon(9))
    assert log(moved) == "mastered:evidence:1 reopened:policy:2"


def test_before_the_first_policy_starts_it_is_taken_to_be_in_force():
    timeline = (PolicyInForce(noon(50), make_policy()),)

    state = decide(make_logs(pieces("A3 B3"), (), timeline), noon(9)).state

    assert (state.decision, state.policy_version) == ("mastered", 1)
    assert state.valid_until == noon(50)


def test_a_mastered_pair_stays_so_under_a_policy_on_another_scale():
    other = make_policy(id=2, scale=Scale(2, SCALE.levels[:3]), cuts=(10_000, 20_000, 30_000),
                        target=2)  # fmt: skip
    timeline = (PolicyInForce(None, make_policy()), PolicyInForce(noon(9), other))

    outcome = decide(make_logs(pieces("A3 B3"), (), timeline), noon(20))

    assert outcome.state.decision == "mastered"
    assert outcome.state.shown == Shown(level=2)
    assert outcome.state.not_counted == 2
    assert outcome.working.not_counted == ((1, "other_scale"), (2, "other_scale"))


def test_habits_are_described_and_never_mastered():
    habits = make_policy(decides=False)

    empty = decided(policy=habits)
    first = decided("A3", policy=habits)
    said_so = decided("A3 B2", judge("override", 4, mastered=True, level=4), policy=habits)

    assert (empty.state.decision, said(empty)) == ("no_evidence", "No evidence yet")
    assert (first.state.decision, said(first)) == ("none", "Proficient lately (provisional)")
    assert (said_so.state.decision, said(said_so)) == ("none", "Extending, set by a teacher")
    assert said(decided("A2 B2 C4", policy=habits)) == "Developing lately"
    assert said_so.advancements == ()


@pytest.mark.parametrize(
    ("timeline", "message"),
    [
        ((), "needs a policy"),
        ((PolicyInForce(noon(5), STEADY), PolicyInForce(noon(4), STEADY)), "in the order"),
        ((PolicyInForce(None, STEADY), PolicyInForce(None, STEADY)), "in the order"),
    ],
)
def test_a_timeline_has_an_entry_and_an_order(timeline, message):
    with pytest.raises(ValueError, match=message):
        decide(make_logs((), (), timeline), noon(9))


def test_a_rating_pinned_to_an_unknown_version_is_refused():
    with pytest.raises(ValueError, match="version 5 is not among"):
        decided("A3", policy_version=5)


# Counting


def test_a_piece_is_named_with_why_it_does_not_count():
    def reasons(**changes):
        return [why for _, why in decided("A3", **changes).working.not_counted]

    assert reasons(needs_confirmation=True) == ["unconfirmed"]
    assert reasons(needs_confirmation=True, confirmed_at=noon(5)) == []
    assert reasons(scale=2) == ["other_scale"]
    assert reasons(policy=make_policy(purposes=frozenset({2}))) == ["purpose"]
    assert reasons(policy=make_policy(kinds=frozenset({2}))) == ["kind"]
    assert reasons(released_at=noon(2), at=1.5) == ["not_released"]


def test_a_replaced_piece_is_not_counted():
    outcome = decided("A3 B3 A2", policy=make_policy(reassessment="replaces"))

    assert outcome.working.not_counted == ((1, "replaced"),)
    assert (outcome.state.counted, outcome.state.not_counted) == (2, 1)


def test_a_second_word_of_one_assessor_takes_the_place_of_the_first():
    (first,) = pieces("A3")
    again = replace(first, id=5, chain=5, points=100, recorded_at=noon(3))

    outcome = decide(make_logs((first, again)), noon(9))

    assert [piece.points for piece in outcome.working.pieces] == [100]
    assert outcome.working.not_counted == ((1, "superseded"),)


def test_three_raters_make_one_piece_at_their_lower_median():
    (first,) = pieces("A3")
    others = [
        replace(first, id=id, chain=id, assessor=id, points=points)
        for id, points in ((5, 250), (6, 300))
    ]

    outcome = decide(make_logs((first, *others)), noon(9))

    assert [(piece.points, piece.ratings) for piece in outcome.working.pieces] == [(300, (1, 5, 6))]


def test_a_rater_below_the_lowest_level_is_a_level_apart_from_it():
    first = make_rating(1, 50, 1)
    near, far = (replace(first, id=2, chain=2, assessor=2, points=p) for p in (100, 200))

    assert decide(make_logs((first, near)), noon(9)).state.counted == 1
    assert decide(make_logs((first, far)), noon(9)).state.counted == 0


def test_a_piece_of_two_raters_takes_its_day_from_the_one_not_voided():
    first = replace(make_rating(1, 300, 1), voided_at=noon(4))
    second = replace(make_rating(2, 300, 2), piece=1, assessor=2)

    (piece,) = decide(make_logs((first, second)), noon(9)).working.pieces

    assert piece.day == day(2)
    assert piece.first_recorded_at == noon(1)


def test_a_piece_below_the_lowest_level_has_no_level():
    outcome = decided("A0.5 B0.5")

    assert said(outcome) == "Below Emerging (provisional)"
    assert outcome.state.level is None


# Judgements


def test_an_override_against_mastery_gives_way_on_its_day():
    override = judge("override", 4, mastered=False, ends_at=noon(8))

    during, after = (decided("A3 B3", override, at=at) for at in (5, 8))

    assert (during.state.decision, during.state.basis) == ("not_yet", "override")
    assert said(during) == "Proficient, set by a teacher"
    assert during.state.valid_until == noon(8)
    assert during.state.next_step == "keep_going"
    assert log(after) == "mastered:evidence:2 reopened:override:1 mastered:override_end:1"


def test_an_override_to_mastered_waits_for_a_person_after_its_day():
    override = judge("override", 4, mastered=True, ends_at=noon(8))

    before, after = (decided("A1", override, at=at).state for at in (5, 9))

    assert (before.look_again_on, before.next_step) == (None, "go_on")
    assert (after.decision, after.look_again_on, after.next_step) == (
        "mastered", day(8), "look_again",
    )  # fmt: skip


@pytest.mark.parametrize(("level", "decision"), [(2, "not_yet"), (3, "mastered"), (4, "mastered")])
def test_an_override_to_a_level_is_mastered_from_the_target_on(level, decision):
    outcome = decided("A1", judge("override", 4, level=level))

    assert outcome.state.decision == decision
    assert outcome.state.shown == Shown(level=level, by_teacher=True)


def test_an_override_already_over_when_it_was_recorded_says_nothing():
    outcome = decided("A3 B3", judge("override", 4, mastered=False, ends_at=noon(2)))

    assert outcome.state.basis == "evidence"
    assert len(outcome.advancements) == 1


def test_the_end_of_an_override_that_was_replaced_changes_nothing():
    first = judge("override", 3, mastered=False, ends_at=noon(8))
    second = judge("override", 5, id=2, mastered=True)

    assert log(decided("A1", first, second)) == "mastered:override:2"


def test_a_newer_override_is_other_ground():
    told = decided("A1", *(judge("override", on, id=on, mastered=True) for on in (3, 5)))

    assert log(told) == "mastered:override:3 redated:override:5"
    assert told.state.mastered_on == day(5)


def test_a_reopening_ends_a_prior_standing_and_an_override():
    for kind in ("prior_standing", "override"):
        outcome = decided("", judge(kind, 3, mastered=True), judge("reopening", 5, id=2))

        assert outcome.state.decision == "no_evidence"
        assert log(outcome) == f"mastered:{kind}:1 reopened:reopening:2"


def test_a_late_piece_typed_after_a_reopening_can_end_a_prefix():
    first, last = pieces("A3 B3@5")
    late = make_rating(3, 300, 3, recorded_at=noon(9))

    outcome = decide(make_logs((first, last, late), [judge("reopening", 7)]), noon(20))

    assert outcome.state.mastered_on == day(3)


def test_a_prior_standing_names_its_level_or_none():
    assert said(decided("", judge("prior_standing", 3, level=2))) == "Prior standing: Developing"
    assert said(decided("", judge("prior_standing", 3, mastered=False))) == "Prior standing"

    state = decided("", judge("prior_standing", 3, level=2)).state
    assert (state.decision, state.basis) == ("not_yet", "prior_standing")


def test_recent_work_stands_beside_a_prior_standing():
    outcome = decided("A1 B1", judge("prior_standing", 0.5, mastered=True))

    assert said(outcome) == "Prior standing: Proficient, recent work: Emerging"
    assert outcome.state.basis == "prior_standing"


def test_evidence_speaks_before_a_prior_standing_short_of_mastery():
    outcome = decided("A1 B1", judge("prior_standing", 0.5, level=2))

    assert (outcome.state.basis, said(outcome)) == ("evidence", "Emerging")


def test_a_confirmation_lifts_only_a_refusal_of_the_same_piece():
    refused = judge("refusal", 4, saw_rating=2)
    again = judge("confirmation", 6, id=2, saw_rating=2)
    earlier = judge("confirmation", 6, id=2, saw_rating=1)

    assert decided("A3 B3", refused, again, policy=CONFIRMED).state.decision == "mastered"
    assert decided("A3 B3", refused, earlier, policy=CONFIRMED).state.unmet == ("confirmation",)


def test_a_word_about_a_rating_that_is_not_there_says_nothing():
    word = judge("confirmation", 6, saw_rating=99)

    assert decided("A3 B3", word, policy=CONFIRMED).state.decision == "awaiting_confirmation"


def test_a_confirmation_recorded_before_the_rating_it_names_says_nothing_yet():
    word = judge("confirmation", 1.5, saw_rating=2)

    assert decided("A3 B3", word, policy=CONFIRMED, at=1.7).state.decision == "not_yet"
    assert decided("A3 B3", word, policy=CONFIRMED).state.decision == "mastered"


def test_an_own_target_holds_from_its_first_day_to_the_day_before_its_end():
    own = judge("own_target", 0.5, level=2, starts_on=day(2), ends_at=noon(4))

    assert decided("A2 B2", own).state.decision == "mastered"
    assert decided("A2 B2@4", own).state.decision == "not_yet"
    assert decided("A2@0 B2@1", own).state.unmet == ("level", "different_tasks", "independent")
    states = [decided("A1", own, at=at).state for at in (1, 2, 4)]
    assert [state.target for state in states] == [3, 2, 3]
    assert states[0].valid_until == midnight(day(2))
    assert states[1].valid_until == midnight(day(4))


def test_an_own_target_can_be_taken_back_and_is_held_to_the_scale():
    own = judge("own_target", 0.5, level=9)
    back = judge("own_target", 0.6, id=2, level=None)

    assert decided("A3 B3", own).state.target == 4
    assert decided("A3 B3", own, back).state.decision == "mastered"


def test_an_own_target_set_after_the_work_asks_for_newer_work():
    state = decided("A2 B2", judge("own_target", 5, level=2, starts_on=day(5))).state

    assert (state.decision, state.unmet, state.next_step) == (
        "not_yet", ("new_evidence",), "newer_piece",
    )  # fmt: skip
    assert said(decided("A1", judge("own_target", 0.5, level=2))) == (
        "Emerging so far, 1 of 2, own target (provisional)"
    )


# Marks, dates and next steps


def test_look_again_is_over_when_recent_work_is_at_the_target_again():
    assert decided("A3 B3 C1 D1 E1").state.next_step == "look_again"
    assert decided("A3 B3 C1 D1 E1 F3 G3").state.look_again_on is None
    assert decided("A3 B3 C1 D1 E1 F3 G3 H1 I1 J1").state.look_again_on == day(10)


def test_look_again_counts_only_pieces_after_the_advancement():
    quick = make_policy(method=Method("highest"), minimum_pieces=1, gates=())

    assert decided("A1 B1 C3 D1", policy=quick).state.look_again_on is None
    assert decided("A1 B1 C3 D1 E1", policy=quick).state.look_again_on == day(5)


def test_a_refresh_comes_months_later_and_changes_no_decision():
    policy = make_policy(refresh_months=6)

    before, after = (decided("A3 B3", policy=policy, at=at).state for at in (100, 200))

    assert before.refresh_on == after.refresh_on == date(2027, 3, 2)
    assert (before.valid_until, after.valid_until) == (midnight(date(2027, 3, 2)), None)
    assert (before.next_step, after.next_step) == ("go_on", "refresh")
    assert before.decision == after.decision == "mastered"
    assert decided("A3", policy=policy).state.refresh_on is None


@pytest.mark.parametrize(
    ("letters", "changes", "step"),
    [
        ("", {}, ("first_piece", ())),
        ("A1", {}, ("pieces_at_target", (("level", 3), ("pieces", 2)))),
        ("A1 B3", {}, ("pieces_at_target", (("level", 3), ("pieces", 1)))),
        ("A3 A3", {}, ("other_task", (("level", 3),))),
        ("A3 B3", {"conditions": 2}, ("independent_piece", (("level", 3),))),
        ("A3 B3", {"policy": CONFIRMED}, ("confirm", ())),
        ("A3", {"policy": make_policy(decides=False)}, ("keep_going", ())),
        ("A3 B3", {"policy": make_policy(gates=(Gate("application", 1),))},
         ("application_piece", (("level", 3),))),
        ("A3 B3", {"policy": make_policy(gates=(Gate("group_at_most", 0),)), "conditions": 3},
         ("individual_piece", (("level", 3),))),
        ("A1 B1 C1", {"policy": make_policy(method=Method("mean"))},
         ("pieces_at_target", (("level", 3), ("pieces", 1)))),
    ],
)  # fmt: skip
def test_there_is_one_next_step(letters, changes, step):
    state = decided(letters, **changes).state

    assert (state.next_step, state.next_step_params) == step


def test_assessors_far_apart_talk_first():
    (first,) = pieces("A4")
    other = replace(first, id=2, chain=2, assessor=2, points=200)

    assert decide(make_logs((first, other)), noon(9)).state.next_step == "talk_first"


def test_a_release_to_come_is_an_instant_at_which_the_state_changes():
    assert decided("A3", released_at=noon(7), at=5).state.valid_until == noon(7)
    assert decided("A3", released_at=noon(7), at=0).state.valid_until is None


# Days


def test_months_later_keeps_to_the_end_of_a_short_month():
    assert months_later(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert months_later(date(2026, 12, 1), 12) == date(2027, 12, 1)


def test_a_day_turns_at_midnight_utc_whatever_the_zone():
    evening = datetime(2026, 9, 1, 20, tzinfo=timezone(timedelta(hours=-6)))

    assert utc_day(evening) == date(2026, 9, 2)
    assert midnight(date(2026, 9, 2)) == datetime(2026, 9, 2, tzinfo=UTC)


# Inputs hash


def test_the_hash_of_the_inputs_follows_what_is_known():
    at_1, at_1_again, at_2 = (decided("A3 B3", at=at).state.inputs_hash for at in (1, 1.5, 2))

    assert at_1 == at_1_again
    assert at_1 != at_2
    assert -(2**63) <= at_1 < 2**63


def test_the_hash_sees_every_input():
    rating = make_rating(1, 300, 1)
    changes = {
        "id": 2, "chain": 2, "piece": 2, "points": 301, "demonstrated_on": day(2), "position": 9,
        "recorded_at": noon(2), "first_recorded_at": noon(0), "voided_at": noon(3),
        "released_at": None, "confirmed_at": noon(3), "needs_confirmation": True, "task": 2,
        "kind": 2, "purpose": 2, "application": True, "conditions": 2, "assessor": None,
        "scale": 2,
    }  # fmt: skip
    own = judge("own_target", 2, level=2)
    both = [PolicyInForce(None, make_policy()), PolicyInForce(noon(3), STEADY)]
    others = [
        make_logs([rating], [own]),
        make_logs([rating], [replace(own, level=None)]),
        make_logs([rating], [replace(own, starts_on=day(1))]),
        make_logs([rating], [replace(own, ends_at=noon(50))]),
        make_logs([rating], (), make_policy(id=1, confirmation=True)),
        make_logs([rating], (), both),
    ]  # fmt: skip
    ones = [
        make_logs([rating]),
        *(make_logs([replace(rating, **{k: v})]) for k, v in changes.items()),
    ]

    hashes = [decide(one, noon(9)).state.inputs_hash for one in (*ones, *others)]

    # a version is known by its id: its content never changes
    assert hashes[0] == hashes[-2]
    assert len(set(hashes)) == len(hashes) - 1


def test_the_hash_is_one_definition():
    """A number that moves without reason makes the nightly audit write every state again."""
    assert decided("A3 B2.5@5", judge("override", 3, mastered=True)).state.inputs_hash == HASH


HASH = 4315861011555043439
