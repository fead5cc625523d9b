"""Corrections of pieces, substitutes, classes: what the first look at them got wrong."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from assessments.actions import (
    EvidenceRejected,
    NewPiece,
    NewRating,
    confirm_evidence,
    correct_evidence,
    correct_rating,
    record_evidence,
    release_evidence,
    undo_correction,
    void_rating,
)
from assessments.actions.errors import OutOfDate
from assessments.models import Evidence, Rating
from mastery.models import MasteryState
from students.models import HistoryEntry
from students.permissions import NotAllowed
from tests import factories

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 3, 2)


@pytest.fixture
def school():
    """Rosa leads a class with Ana; Sam is its substitute; Tom leads another class."""

    class School:
        district = factories.make_district(code="harbour")
        ana = factories.make_student(district=district)
        section = factories.make_section(district=district)
        elsewhere = factories.make_section(district=district)
        rosa = factories.make_user(district=district)
        sam = factories.make_user(district=district)
        tom = factories.make_user(district=district)
        fractions = factories.make_competency(code="N.1")
        ratios = factories.make_competency(code="N.2", framework=fractions.framework)

    factories.make_enrollment(section=School.section, student=School.ana)
    factories.make_teaching(section=School.section, user=School.rosa)
    factories.make_teaching(section=School.section, user=School.sam, role="substitute")
    factories.make_teaching(section=School.elsewhere, user=School.tom)
    return School


def record(school, *, actor=None, points=3, day=MONDAY, competencies=None, **more):
    recorded = record_evidence(
        actor=actor,
        district=school.district,
        pieces=[
            NewPiece(
                student_id=school.ana.pk,
                ratings=[
                    NewRating(competency_id=one.pk, points=Decimal(points))
                    for one in competencies or [school.fractions]
                ],
                demonstrated_on=day,
                **more,
            )
        ],
    )
    return recorded.evidence[0]


def decision(school):
    return MasteryState.objects.get(competency=school.fractions).decision


def test_a_corrected_day_moves_every_rating_and_keeps_the_piece(school):
    both = [school.fractions, school.ratios]
    piece = record(school, actor=school.rosa, competencies=both, title="Quiz")

    moved = correct_evidence(
        actor=school.rosa,
        evidence_id=piece.pk,
        changes={"demonstrated_on": MONDAY - timedelta(days=7), "conditions": 2},
    )

    standing = Rating.objects.filter(evidence=moved)
    assert {row.demonstrated_on for row in standing} == {MONDAY - timedelta(days=7)}
    assert {(row.piece, row.conditions) for row in standing} == {(piece.pk, 2)}
    assert HistoryEntry.objects.get(action="correct_evidence").before == {
        "demonstrated_on": str(MONDAY),
        "conditions": 1,
    }


def test_what_nothing_names_is_another_task_on_another_day(school):
    record(school, actor=school.rosa)
    same_day = record(school, actor=school.rosa)
    assert decision(school) == "not_yet"

    correct_evidence(
        actor=school.rosa,
        evidence_id=same_day.pk,
        changes={"demonstrated_on": MONDAY - timedelta(days=1)},
    )

    assert decision(school) == "mastered"


def test_a_lead_who_corrects_a_substitutes_piece_has_taken_it_over(school):
    piece = record(school, actor=school.sam, title="Talk")
    assert decision(school) == "no_evidence"

    moved = correct_evidence(
        actor=school.rosa,
        evidence_id=piece.pk,
        changes={"demonstrated_on": MONDAY - timedelta(days=1)},
    )

    assert moved.confirmed_by == school.rosa
    assert decision(school) == "not_yet"


def test_a_substitutes_piece_counts_once_a_teacher_confirms_it(school):
    piece = record(school, actor=school.sam, title="Talk")

    assert confirm_evidence(actor=school.rosa, evidence_ids=[piece.pk]) == 1

    assert decision(school) == "not_yet"
    with pytest.raises(NotAllowed):
        confirm_evidence(actor=school.rosa, evidence_ids=[piece.pk])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"points": 3}, "cannot be corrected on a piece: points"),
        ({"conditions": 9}, "Choose the conditions from"),
        ({"demonstrated_on": date(2199, 1, 1)}, "in the future"),
    ],
)
def test_what_cannot_be_corrected_on_a_piece_is_said(school, changes, message):
    piece = record(school)

    with pytest.raises(EvidenceRejected, match=message):
        correct_evidence(actor=None, evidence_id=piece.pk, changes=changes)

    assert Evidence.objects.count() == 1


def test_a_piece_without_a_rating_that_stands_is_recorded_again_instead(school):
    piece = record(school)
    void_rating(actor=None, rating_id=Rating.objects.get().pk, reason="Copied")

    with pytest.raises(EvidenceRejected, match="Record it again"):
        correct_evidence(actor=None, evidence_id=piece.pk, changes={"conditions": 2})


def test_undoing_needs_a_correction_of_the_rating(school):
    piece = record(school)
    [rating] = Rating.objects.all()

    with pytest.raises(EvidenceRejected, match="nothing to undo"):
        undo_correction(actor=None, rating_id=rating.pk)
    correct_evidence(actor=None, evidence_id=piece.pk, changes={"conditions": 2})
    with pytest.raises(EvidenceRejected, match="The piece itself"):
        undo_correction(actor=None, rating_id=Rating.objects.latest("pk").pk)


def test_a_correction_to_what_stands_already_changes_nothing(school):
    record(school)
    [rating] = Rating.objects.all()

    assert correct_rating(actor=None, rating_id=rating.pk, points=Decimal(3)) == rating
    assert Rating.objects.count() == 1


def test_a_piece_that_was_corrected_meanwhile_is_not_released_in_its_old_form(school):
    piece = record(school, released=False)
    moved = correct_evidence(actor=None, evidence_id=piece.pk, changes={"conditions": 2})

    with pytest.raises(OutOfDate):
        release_evidence(actor=None, evidence_ids=[piece.pk])
    assert release_evidence(actor=None, evidence_ids=[moved.pk]) == 1
    assert decision(school) == "not_yet"


def test_nobody_records_into_a_class_they_do_not_teach(school):
    theirs = factories.make_assessment(district=school.district, section=school.elsewhere)

    with pytest.raises(NotAllowed):
        record(school, actor=school.rosa, assessment=theirs)

    ours = factories.make_assessment(district=school.district, section=school.section)
    assert record(school, actor=school.rosa, assessment=ours).assessment == ours


def test_nobody_records_in_another_persons_name(school):
    with pytest.raises(EvidenceRejected, match="judged yourself"):
        record(school, actor=school.rosa, assessor=school.tom)

    assert not Evidence.objects.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"title": "x" * 301}, "title under 300"),
        ({"day": date(1980, 1, 1)}, "too long ago"),
        ({"competencies": "twice"}, "rated twice"),
        ({"competencies": "heading"}, "heading"),
        ({"competencies": "retired"}, "retired"),
    ],
)
def test_a_piece_that_breaks_a_rule_is_refused(school, change, message):
    framework = school.fractions.framework
    which = {
        "twice": [school.fractions, school.fractions],
        "heading": [factories.make_competency(framework=framework, is_rated=False)],
        "retired": [factories.make_competency(framework=framework, retired_at=factories.INSTANT)],
    }
    change = dict(change)
    if "competencies" in change:
        change["competencies"] = which[change["competencies"]]

    with pytest.raises(EvidenceRejected, match=message):
        record(school, **change)


@pytest.mark.parametrize(("reason", "message"), [(" ", "Say why"), ("x" * 501, "under 500")])
def test_a_void_needs_a_reason_of_some_length(school, reason, message):
    record(school)

    with pytest.raises(EvidenceRejected, match=message):
        void_rating(actor=None, rating_id=Rating.objects.get().pk, reason=reason)


def test_what_is_set_once_is_never_set_again(school):
    record(school)
    void_rating(actor=None, rating_id=Rating.objects.get().pk, reason="Copied")

    for change in ({"voided_by": school.tom}, {"void_reason": "Another"}, {"voided_at": None}):
        with pytest.raises(DatabaseError, match="set once"), transaction.atomic():
            Rating.objects.update(**change)
