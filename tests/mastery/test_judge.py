"""A named person's word: what it needs, who may say it, and what it does at once."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from assessments.actions import NewPiece, NewRating, record_evidence
from assessments.models import Rating
from competencies.actions.policies import Place, place_policy
from mastery.actions.judge import JudgementRejected, Word, judge
from mastery.models import Judgement, MasteryState
from students.models import HistoryEntry
from students.permissions import NotAllowed
from tests import factories

pytestmark = pytest.mark.django_db

ENOUGH = Word(kind="override", mastered=True, reason="Explained it to the class")


@pytest.fixture
def school():
    """Rosa teaches Ana, who showed fractions once at Proficient."""

    class School:
        district = factories.make_district(code="harbour")
        ana = factories.make_student(district=district)
        section = factories.make_section(district=district)
        rosa = factories.make_user(district=district)
        fractions = factories.make_competency(code="N.1")

    factories.make_enrollment(section=School.section, student=School.ana)
    factories.make_teaching(section=School.section, user=School.rosa)
    record(School, "Quiz", 3)
    return School


def record(school, title, points):
    record_evidence(
        actor=school.rosa,
        district=school.district,
        pieces=[
            NewPiece(
                student_id=school.ana.pk,
                ratings=[NewRating(competency_id=school.fractions.pk, points=Decimal(points))],
                demonstrated_on=factories.DAY,
                title=title,
            )
        ],
    )


def say(school, word, *, actor=None):
    return judge(
        actor=actor or school.rosa, student=school.ana, competency=school.fractions, word=word
    )


def state(school):
    return MasteryState.objects.get(student=school.ana, competency=school.fractions)


def newest():
    return Rating.objects.latest("pk").pk


def test_an_override_decides_at_once_and_stays_when_newer_evidence_comes(school):
    say(school, ENOUGH)

    assert (state(school).decision, state(school).basis) == ("mastered", "override")

    record(school, "Project", 1)

    assert (state(school).decision, state(school).basis) == ("mastered", "override")


def test_a_reopening_ends_it_in_the_name_of_who_said_so(school):
    say(school, ENOUGH)

    say(school, Word(kind="reopening", reason="It was copied"))

    assert state(school).decision == "not_yet"
    assert HistoryEntry.objects.filter(actor=school.rosa, action="judge_reopening").exists()


def test_a_confirmation_masters_what_waits_for_it(school):
    place_policy(
        actor=None,
        district=school.district,
        version=factories.preset("teacher-confirms"),
        place=Place(),
        mode="recompute",
    )
    record(school, "Project", 3)
    assert state(school).decision == "awaiting_confirmation"

    say(school, Word(kind="confirmation", saw_rating=newest(), reason="Saw both"))

    assert state(school).decision == "mastered"
    assert state(school).mastered_on == factories.DAY


def test_a_confirmation_of_what_is_no_longer_the_newest_is_refused(school):
    seen = newest()
    record(school, "Project", 3)

    with pytest.raises(JudgementRejected, match="newer evidence"):
        say(school, Word(kind="confirmation", saw_rating=seen, reason="Saw it"))

    assert not Judgement.objects.exists()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (replace(ENOUGH, reason="  "), "Give a reason"),
        (replace(ENOUGH, mastered=None), "which level"),
        (replace(ENOUGH, ends_at=timezone.now() - timedelta(days=1)), "in the past"),
        (Word(kind="prior_standing", mastered=True, reason="Transfer"), "Name the school"),
        (Word(kind="own_target", reason="Private"), "Choose the level"),
        (Word(kind="own_target", level=0, reason="Private"), "from 1 to 4"),
        (replace(ENOUGH, level=99), "from 1 to 4"),
        (replace(ENOUGH, reason="x" * 1001), "under 1000"),
    ],
)
def test_a_word_that_lacks_what_its_kind_needs_leaves_nothing_behind(school, word, message):
    with pytest.raises(JudgementRejected, match=message):
        say(school, word)

    assert not Judgement.objects.exists()


def test_there_is_nothing_to_confirm_without_evidence(school):
    school.fractions = factories.make_competency(code="N.2")

    with pytest.raises(JudgementRejected, match="no evidence"):
        say(school, Word(kind="confirmation", saw_rating=1, reason="Saw it"))


def test_another_districts_competency_does_not_exist(school):
    theirs = factories.make_framework(district=factories.make_district(code="hill"))
    school.fractions = factories.make_competency(framework=theirs)

    with pytest.raises(JudgementRejected, match="does not exist"):
        say(school, ENOUGH)


def test_who_does_not_teach_the_student_may_not_judge(school):
    stranger = factories.make_user(district=school.district)

    with pytest.raises(NotAllowed):
        say(school, ENOUGH, actor=stranger)

    assert not Judgement.objects.exists()


def test_a_prior_standing_and_an_own_target_are_said_with_their_source(school):
    say(school, Word(kind="prior_standing", mastered=True, source="Hill", reason="Transcript"))

    assert (state(school).decision, state(school).basis) == ("mastered", "prior_standing")

    say(school, Word(kind="own_target", level=2, reason="Agreed with the family"))

    assert (state(school).target, state(school).shown["prior"]) == (2, True)
