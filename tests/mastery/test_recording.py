"""What a save does: the level in the same transaction, the rest through the queue."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assessments.actions import (
    EvidenceRejected,
    NewPiece,
    NewRating,
    correct_rating,
    record_evidence,
    release_evidence,
    undo_correction,
    void_rating,
)
from assessments.actions.errors import OutOfDate
from assessments.models import Rating
from mastery.actions.drain import drain
from mastery.models import Advancement, MasteryState, Opening, RecomputeRequest
from tests import factories

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 3, 2)


@pytest.fixture
def school():
    """One district, one student, a heading with one part, and what the part opens."""

    class School:
        district = factories.make_district(code="harbour")
        ana = factories.make_student(district=district)
        heading = factories.make_competency(is_rated=False)
        fractions = factories.make_competency(parent=heading)
        ratios = factories.make_competency(framework=heading.framework)

    factories.make_prerequisite(competency=School.ratios, requires=School.fractions)
    return School


def record(school, *points, competency=None, day=MONDAY, **more):
    """Record one piece for each of ``points``, each on another task, a day apart."""
    recorded = [
        record_evidence(
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
                    demonstrated_on=day + timedelta(days=step),
                    title=f"Task {step} {number} {day}",
                    **more,
                )
            ],
        )
        for step, number in enumerate(points)
    ]
    return [rating for one in recorded for rating in one.ratings]


def state(school, competency=None):
    return MasteryState.objects.get(student=school.ana, competency=competency or school.fractions)


def test_a_rating_shows_its_new_level_in_the_same_transaction(school):
    record(school, 3)

    assert state(school).decision == "not_yet"
    assert state(school).shown == {"so_far": True, "have": 1, "need": 2}

    record(school, 3, day=MONDAY + timedelta(days=7))

    assert state(school).decision == "mastered"
    assert state(school).mastered_on == MONDAY + timedelta(days=7)


def test_the_parent_and_what_it_opens_follow_from_the_queue(school):
    record(school, 3, 3)

    assert not MasteryState.objects.filter(competency=school.heading).exists()
    assert not Opening.objects.exists()

    drain()

    parent = state(school, school.heading)
    assert (parent.decision, parent.children_have, parent.children_total) == ("mastered", 1, 1)
    assert Opening.objects.get().competency == school.ratios
    assert not RecomputeRequest.objects.exists()


def test_a_void_reopens_the_pair_and_its_parent_and_leaves_open_what_was_opened(school):
    ratings = record(school, 3, 3)
    drain()

    void_rating(actor=None, rating_id=ratings[1].pk, reason="typed for the wrong student")
    drain()

    assert state(school).decision == "not_yet"
    assert state(school, school.heading).decision == "not_yet"
    assert Opening.objects.exists()
    assert list(
        Advancement.objects.filter(competency=school.fractions)
        .order_by("number")
        .values_list("kind", "cause")
    ) == [("mastered", "evidence"), ("reopened", "void")]


def test_a_correction_keeps_the_day_and_the_policy_of_its_chain_and_can_be_undone(school):
    _first, second = record(school, 3, 3)

    corrected = correct_rating(actor=None, rating_id=second.pk, points=Decimal(2))

    assert state(school).decision == "not_yet"
    assert (corrected.demonstrated_on, corrected.position) == (
        second.demonstrated_on,
        second.position,
    )
    assert corrected.policy_version_id == second.policy_version_id

    undo_correction(actor=None, rating_id=corrected.pk)

    assert state(school).decision == "mastered"
    assert Rating.objects.filter(chain=second.pk).count() == 3


def test_the_second_of_two_corrections_of_one_rating_is_told_what_stands(school):
    [rating] = record(school, 3)
    corrected = correct_rating(actor=None, rating_id=rating.pk, points=Decimal(2))

    with pytest.raises(OutOfDate) as told:
        correct_rating(actor=None, rating_id=rating.pk, points=Decimal(4))

    assert told.value.now == corrected.pk


def test_an_unreleased_piece_counts_from_its_release(school):
    record(school, 3)
    [waiting] = record(school, 3, day=MONDAY + timedelta(days=1), released=False)

    assert state(school).decision == "not_yet"

    release_evidence(actor=None, evidence_ids=[waiting.evidence_id])

    assert state(school).decision == "mastered"
    assert state(school).mastered_on == waiting.demonstrated_on


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": Decimal("4.5")}, "Points go from 0 to 4"),
        ({"points": Decimal("2.123")}, "two decimal places"),
        ({"points": None}, "needs points"),
        ({"mark": 3}, "carries no points"),
    ],
)
def test_a_rating_that_breaks_a_rule_leaves_nothing_behind(school, change, message):
    new = {"competency_id": school.fractions.pk, "points": Decimal(3)} | change

    with pytest.raises(EvidenceRejected, match=message):
        record_evidence(
            actor=None,
            district=school.district,
            pieces=[
                NewPiece(
                    student_id=school.ana.pk, ratings=[NewRating(**new)], demonstrated_on=MONDAY
                )
            ],
        )

    assert not Rating.objects.exists()


def test_a_sheet_costs_the_same_queries_as_one_rating(school):
    def cost(count):
        competencies = [factories.make_competency(parent=school.heading) for _ in range(count)]
        with CaptureQueriesContext(connection) as seen:
            record_evidence(
                actor=None,
                district=school.district,
                pieces=[
                    NewPiece(
                        student_id=school.ana.pk,
                        ratings=[NewRating(competency_id=one.pk, points=Decimal(3))],
                        demonstrated_on=MONDAY,
                    )
                    for one in competencies
                ],
            )
        return len(seen)

    assert cost(1) == cost(30)


def test_what_opened_while_an_earlier_grade_was_silent_stays_open(school):
    for competency, grade in ((school.fractions, "06"), (school.ratios, "06")):
        competency.grade_levels = [grade]
        competency.save()
    earlier = factories.make_competency(framework=school.heading.framework, grade_levels=["05"])
    factories.make_prerequisite(competency=school.ratios, requires=earlier)

    record(school, 3, 3)
    drain()

    assert Opening.objects.get().competency == school.ratios
    record(school, 1, competency=earlier)
    drain()
    assert Opening.objects.count() == 1
