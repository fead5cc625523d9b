"""An explanation stands on its own, agrees with what is stored, and tells any past instant."""

import json
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assessments.actions import (
    NewPiece,
    NewRating,
    correct_rating,
    record_evidence,
    void_rating,
)
from competencies.actions.policies import Place, place_policy
from mastery.actions.drain import drain
from mastery.actions.judge import Word, judge
from mastery.models import Advancement, Judgement, MasteryState
from mastery.queries.explain import explanation
from students.models import SchoolRole
from tests import factories
from tests.roles import as_owner

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 3, 2)
Kind = Judgement.Kind


@pytest.fixture
def school():
    """Ana, a heading of two parts, and what one part opens; Rosa teaches."""

    class School:
        district = factories.make_district(code="harbour", time_zone="Europe/Madrid")
        rosa = factories.make_user(district=district, given_name="Rosa", family_name="Vidal")
        ana = factories.make_student(
            number="7",
            user=factories.make_user(district=district, given_name="Ana", family_name="Sol"),
        )
        heading = factories.make_competency(code="NS", is_rated=False)
        fractions = factories.make_competency(parent=heading, code="NS.1")
        decimals = factories.make_competency(parent=heading, code="NS.2")
        ratios = factories.make_competency(framework=heading.framework, code="RP.1")

    section = factories.make_section(district=School.district)
    factories.make_teaching(section=section, user=School.rosa)
    factories.make_enrollment(section=section, student=School.ana)
    factories.make_prerequisite(competency=School.ratios, requires=School.fractions)
    with connection.cursor() as cursor, as_owner():
        # The tree was there before anything happened.
        cursor.execute("UPDATE competencies_parentedge SET since = '2020-01-01Z'")
        cursor.execute("UPDATE competencies_prerequisite SET since = '2020-01-01Z'")
    return School


def record(school, *points, competency=None, day=MONDAY, **more):
    """Record a piece a day, each on another task; return the ratings."""
    found = []
    for step, number in enumerate(points):
        on = day + timedelta(days=step)
        piece = {"title": f"Task {on} {number}"} | more
        recorded = record_evidence(
            actor=None,
            district=school.district,
            pieces=[
                NewPiece(
                    student_id=school.ana.pk,
                    ratings=[
                        NewRating(
                            competency_id=(competency or school.fractions).pk,
                            points=Decimal(str(number)),
                        )
                    ],
                    demonstrated_on=on,
                    **piece,
                )
            ],
        )
        found += recorded.ratings
    return found


def word(school, kind, competency=None, **more):
    return judge(
        actor=school.rosa,
        student=school.ana,
        competency=competency or school.fractions,
        word=Word(kind=kind, reason="Seen in the workshop", **more),
    )


def test_the_numbers_of_an_explanation_can_be_done_again_by_hand(school):
    quiz = factories.make_assessment(title="Bridge quiz", district=school.district)
    record(school, 3, title="", assessment=quiz, assessor=school.rosa)
    record(school, 2, title="", day=date(2026, 3, 4))

    found = explanation(school.ana, school.fractions)

    assert found.as_text().splitlines() == [
        "Ana Sol (7): NS.1 Can do NS.1",
        f"As of {found.as_of:%Y-%m-%d %H:%M %Z}, with what was known then",
        "",
        "Not yet",
        "",
        "Its own ratings",
        *(f"  {line}" for line in found.ratings.as_text().splitlines()),
        "",
        "Open",
    ]
    assert found.ratings.calculation == "the lowest of the last 2: 3, 2 → 2"
    assert [(one.task, one.points, one.assessors) for one in found.ratings.counted] == [
        ("Bridge quiz", "3", ("Rosa Vidal",)),
        ("observation 2026-03-04", "2", ("",)),
    ]
    assert found.ratings.counted[0].kind == "assignment"


def test_without_any_evidence_the_explanation_says_so_and_what_the_rule_is(school):
    found = explanation(school.ana, school.fractions)

    assert (found.decision, found.decision_name) == ("no_evidence", "No evidence yet")
    assert found.ratings.shown == "No evidence yet"
    assert found.ratings.policy == "Two in a row v1"
    assert found.ratings.next_step.code == "first_piece"


def test_a_heading_shows_each_part_and_how_many_are_needed(school):
    record(school, 3, 3)
    drain()

    found = explanation(school.ana, school.heading)

    assert (found.decision, found.decided_by, found.ratings) == ("not_yet", "children", None)
    part = found.children
    assert (part.have, part.need, part.total, part.rule) == (1, 2, 2, "all")
    assert part.sentence == "1 of 2 parts are mastered; 2 are needed."
    assert [(one.code, one.decision_name) for one in part.children] == [
        ("NS.1", "Mastered"),
        ("NS.2", "No evidence yet"),
    ]
    assert part.children[0].mastered_at == Advancement.objects.get().decided_at
    assert "  Mastered         NS.1 Can do NS.1 (" in found.as_text()


def test_parts_stand_in_the_order_of_their_framework(school):
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE competencies_parentedge SET position = -1 WHERE child_id = %s",
            [school.decimals.pk],
        )

    found = explanation(school.ana, school.heading)

    assert [one.code for one in found.children.children] == ["NS.2", "NS.1"]


def test_one_that_is_rated_and_has_parts_shows_both_and_says_which_decides(school):
    standard = factories.make_competency(code="S", is_rated=True)
    part = factories.make_competency(parent=standard, code="S.a")
    record(school, 3, 3, competency=part)
    record(school, 2, competency=standard)
    drain()

    by_ratings = explanation(school.ana, standard)
    factories.make_rollup_rule(
        competency=standard, district=school.district, recorded_at=datetime.now(UTC)
    )
    by_parts = explanation(school.ana, standard)

    assert (by_ratings.decision, by_ratings.decided_by) == ("not_yet", "ratings")
    assert by_ratings.children.decision == "mastered"
    assert "Decided by its own ratings." in by_ratings.as_text()
    assert (by_parts.decision, by_parts.decided_by) == ("mastered", "children")
    assert by_parts.ratings.decision == "not_yet"
    assert "Decided by its parts." in by_parts.as_text()
    before_the_rule = explanation(school.ana, standard, as_of=by_ratings.as_of)
    assert before_the_rule.decided_by == "ratings"


def test_a_word_in_front_belongs_to_what_decides_and_not_to_what_stands_beside(school):
    standard = factories.make_competency(code="S", is_rated=True)
    factories.make_competency(parent=standard, code="S.a")
    factories.make_rollup_rule(competency=standard, district=school.district)
    record(school, 2, competency=standard)
    word(school, Kind.OVERRIDE, standard, mastered=True)

    found = explanation(school.ana, standard)

    assert found.decision == found.children.decision == "mastered"
    assert found.children.basis == "override"
    [line] = found.children.judgements
    assert line.sentence == "Set by Rosa Vidal: Seen in the workshop"
    assert found.children.advancements[0].sentence.endswith("set by Rosa Vidal.")
    assert found.ratings.decision == "not_yet"
    assert "  Set by Rosa Vidal: Seen in the workshop" in found.as_text()


def test_a_word_on_what_its_ratings_decide_leaves_the_roll_up_beside_it_alone(school):
    standard = factories.make_competency(code="S", is_rated=True)
    factories.make_competency(parent=standard, code="S.a")
    word(school, Kind.OVERRIDE, standard, mastered=True)

    found = explanation(school.ana, standard)

    assert found.decision == found.ratings.decision == "mastered"
    assert (found.children.decision, found.children.judgements) == ("no_evidence", ())


def test_how_a_roll_up_came_about_is_told_by_its_parts_and_rules(school):
    factories.make_rollup_rule(
        competency=school.heading,
        district=school.district,
        rule="k_of_n",
        k=1,
        recorded_at=datetime.now(UTC),
    )
    first, _second = record(school, 3, 3)
    factories.make_rollup_rule(
        competency=school.heading, district=school.district, recorded_at=datetime.now(UTC)
    )
    drain()

    found = explanation(school.ana, school.heading)

    assert [one.kind for one in found.children.advancements] == ["mastered", "reopened"]
    assert found.children.advancements[0].sentence.endswith("its parts changed.")
    assert found.children.advancements[1].sentence.endswith("the rule for its parts changed.")
    assert found.children.rule == "all"
    assert first.pk


def test_a_policy_that_was_applied_anew_names_who_applied_it(school):
    record(school, 3, 3)
    version = factories.make_policy_version(
        policy=factories.make_policy(district=school.district), n=3, m=3
    )
    factories.make_role(
        user=school.rosa,
        role=SchoolRole.Role.DISTRICT_ADMINISTRATOR,
        granted_by=factories.make_user(),
    )
    place_policy(
        actor=school.rosa,
        district=school.district,
        version=version,
        place=Place(),
        mode="recompute",
        reason="agreed",
    )
    drain()

    found = explanation(school.ana, school.fractions)

    assert found.decision == "not_yet"
    assert found.ratings.advancements[-1].sentence.endswith("the policy was applied by Rosa Vidal.")


def test_as_of_tells_what_was_known_then(school):
    first, second = record(school, 3, 3)
    void_rating(actor=None, rating_id=second.pk, reason="typed for the wrong student")
    drain()

    then = explanation(school.ana, school.fractions, as_of=second.recorded_at)
    before = explanation(school.ana, school.fractions, as_of=first.recorded_at)
    now = explanation(school.ana, school.fractions)

    assert then.decision == "mastered"
    assert before.ratings.shown.startswith("Proficient so far, 1 of 2")
    assert now.decision == "not_yet"
    instant = first.recorded_at - timedelta(microseconds=1)
    assert explanation(school.ana, school.fractions, as_of=instant).decision == "no_evidence"


def test_as_of_tells_roll_ups_and_openings_from_their_logs(school):
    first, second = record(school, 3, 3)
    third, fourth = record(school, 3, 3, competency=school.decimals)
    drain()

    def decision(rating):
        return explanation(school.ana, school.heading, as_of=rating.recorded_at).decision

    before = first.recorded_at - timedelta(microseconds=1)
    assert explanation(school.ana, school.heading, as_of=before).decision == "no_evidence"
    assert [decision(one) for one in (first, second, third, fourth)] == [
        "not_yet",
        "not_yet",
        "not_yet",
        "mastered",
    ]

    def is_open(rating):
        found = explanation(school.ana, school.ratios, as_of=rating.recorded_at)
        return found.availability.open

    assert [is_open(one) for one in (first, second)] == [False, True]


def test_a_heading_of_headings_begins_with_the_first_piece_below_it(school):
    top = factories.make_competency(is_rated=False, code="TOP")
    factories.make_parent_edge(child=school.heading, parent=top)
    with connection.cursor() as cursor, as_owner():
        cursor.execute("UPDATE competencies_parentedge SET since = '2020-01-01Z'")
    [rating] = record(school, 2)
    drain()

    before = rating.recorded_at - timedelta(microseconds=1)
    assert explanation(school.ana, top, as_of=before).decision == "no_evidence"
    found = explanation(school.ana, top)
    assert found.decision == "not_yet"
    assert [one.decision for one in found.children.children] == ["not_yet"]


def test_what_is_needed_first_is_told_with_its_distance(school):
    record(school, 3)

    found = explanation(school.ana, school.ratios)

    [need] = found.availability.needs
    assert (need.code, need.have, need.need, need.decision) == ("NS.1", 1, 2, "not_yet")
    assert found.availability.sentence == "Needs NS.1: 1 of 2 at Proficient"
    assert not found.availability.open


def test_a_pair_in_the_queue_is_said_to_be_updating(school):
    record(school, 3, 3)

    found = explanation(school.ana, school.heading)

    [line] = found.waiting
    assert (line.code, line.status) == ("NS", "updating")
    assert line.sentence.startswith("NS: Updating: asked for ")
    assert line.sentence in found.as_text()


def test_a_paused_pair_shows_its_last_good_value_and_is_not_calculated(school):
    record(school, 3, 3)
    stored = MasteryState.objects.get()
    factories.make_request(
        student=school.ana,
        competency=school.fractions,
        attempts=5,
        quarantined_at=stored.computed_at,
    )

    found = explanation(school.ana, school.fractions)

    assert (found.decision, found.ratings, found.children) == ("mastered", None, None)
    assert found.paused.computed_at == stored.computed_at
    assert found.paused.sentence.startswith("Calculation paused; last good value of 2")
    assert found.paused.sentence in found.as_text()
    assert found.waiting[0].status == "paused"


def test_a_paused_pair_without_a_state_says_that_there_is_none(school):
    factories.make_request(
        student=school.ana, competency=school.fractions, attempts=1, last_error="ValueError: no"
    )

    found = explanation(school.ana, school.fractions)

    assert found.decision == "no_evidence"
    assert found.paused.sentence == "Calculation paused; there is no earlier value."
    assert found.as_dict()["paused"]["computed_at"] is None
    ahead = explanation(school.ana, school.ratios)
    assert ahead.availability.sentence == "Needs NS.1: calculation paused"


def test_the_json_holds_every_part_in_a_fixed_order(school):
    record(school, 3, 3)
    drain()

    said = explanation(school.ana, school.heading).as_dict()

    assert list(said) == [
        "schema",
        "student",
        "competency",
        "as_of",
        "decision",
        "decision_name",
        "decided_by",
        "paused",
        "ratings",
        "children",
        "availability",
        "waiting",
    ]
    assert said["schema"] == "cairn.explanation.1"
    assert said["student"] == {
        "public_id": str(school.ana.public_id),
        "name": "Ana Sol",
        "number": "7",
    }
    assert said["competency"]["framework"] == school.heading.framework.title
    assert json.loads(json.dumps(said)) == said


def test_instants_are_told_where_the_district_is(school):
    found = explanation(
        school.ana, school.fractions, as_of=datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    )

    assert "As of 2026-07-02 00:30 CEST, with what was known then" in found.as_text()


def _live(school, rng):
    """Do one random thing about Ana: record, correct, void, judge."""
    competency = rng.choice([school.fractions, school.decimals, school.ratios, school.standard])
    ratings = [one for one in school.ratings if one.competency_id == competency.pk]
    choice = rng.random()
    if choice < 0.6 or not ratings:
        school.ratings += record(
            school,
            rng.choice([1, 2, 3, 3, 4]),
            competency=competency,
            day=MONDAY + timedelta(days=rng.randrange(40)),
            title=f"Task {rng.randrange(5)}",
        )
    elif choice < 0.8:
        old = ratings[-1]
        school.ratings.remove(old)
        points = Decimal(rng.choice([1, 2, 3, 4]))
        if points != old.points:
            school.ratings.append(correct_rating(actor=None, rating_id=old.pk, points=points))
    elif choice < 0.9:
        void_rating(actor=None, rating_id=ratings[-1].pk, reason="mistyped")
        school.ratings.remove(ratings[-1])
    else:
        kind = rng.choice([Kind.OVERRIDE, Kind.OVERRIDE_END, Kind.REOPENING])
        of = rng.choice([competency, school.heading])
        word(school, kind, of, mastered=True if kind == Kind.OVERRIDE else None)


def _stored(school):
    return {state.competency_id: state for state in MasteryState.objects.filter(student=school.ana)}


@pytest.mark.parametrize("seed", range(4))
def test_the_explanation_equals_the_stored_state_of_every_pair_at_every_step(school, seed):
    rng = random.Random(seed)
    school.ratings = []
    school.standard = factories.make_competency(parent=school.heading, code="NS.3")
    factories.make_competency(parent=school.standard, code="NS.3.a")
    if seed % 2:
        factories.make_rollup_rule(
            competency=school.heading, district=school.district, rule="k_of_n", k=2
        )
    every = [school.heading, school.fractions, school.decimals, school.ratios, school.standard]
    past = []
    for _step in range(9):
        _live(school, rng)
        drain()
        stored = _stored(school)
        now = {one.pk: explanation(school.ana, one) for one in every}
        for one in every:
            said, state = now[one.pk], stored.get(one.pk)
            assert not said.waiting
            if state is None:
                assert said.decision == "no_evidence"
                continue
            assert said.decision == state.decision
            if said.decided_by == "ratings":
                assert said.ratings.level == state.level
                assert said.ratings.mastered_on == state.mastered_on
                assert said.ratings.inputs_hash == state.inputs_hash
            else:
                assert said.children.mastered_on == state.mastered_on
                assert (said.children.have, said.children.need, said.children.total) == (
                    state.children_have,
                    state.children_need,
                    state.children_total,
                )
        past.append({pk: (said.as_of, said.decision) for pk, said in now.items()})

    for told in past:
        for one in every:
            at, decision = told[one.pk]
            assert explanation(school.ana, one, as_of=at).decision == decision


@pytest.mark.parametrize("children", [1, 30])
def test_an_explanation_costs_the_same_queries_whatever_was_recorded(school, children):
    parent = factories.make_competency(is_rated=False)
    parts = [factories.make_competency(parent=parent) for _ in range(children)]
    for part in parts:
        record(school, 3, 3, competency=part)
        factories.make_prerequisite(competency=parent, requires=part)
    drain()

    with CaptureQueriesContext(connection) as told:
        explanation(school.ana, parent)

    assert len(told) == 26
