"""What follows is not decided before what it follows from: it would be logged for good."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from assessments.actions import NewPiece, NewRating, record_evidence, void_rating
from mastery.actions import follow, queue
from mastery.actions.drain import drain
from mastery.actions.recompute import recompute
from mastery.models import Advancement, MasteryState, Opening, RecomputeRequest
from students.actions.locks import lock_students
from tests import factories, oracle

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 3, 2)


@pytest.fixture
def school():
    """A heading with two parts, both of them needed for what comes next."""

    class School:
        district = factories.make_district()
        ana = factories.make_student(district=district)
        heading = factories.make_competency(is_rated=False)
        first = factories.make_competency(parent=heading)
        second = factories.make_competency(parent=heading)
        next = factories.make_competency(framework=heading.framework)

    for part in (School.first, School.second):
        factories.make_prerequisite(competency=School.next, requires=part)
    return School


def master(school, competency):
    """Record two pieces at Proficient; return the ids of their ratings."""
    return [
        record_evidence(
            actor=None,
            district=school.district,
            pieces=[
                NewPiece(
                    student_id=school.ana.pk,
                    ratings=[NewRating(competency_id=competency.pk, points=Decimal(3))],
                    demonstrated_on=MONDAY + timedelta(days=day),
                    title=f"Task {day}",
                )
            ],
        )
        .ratings[0]
        .pk
        for day in range(2)
    ]


def claimed_by_another(school, monkeypatch, change):
    """Make a change that its save leaves to the queue, and have another process claim it."""
    with monkeypatch.context() as patch:
        patch.setattr(follow, "DECIDE_AT_ONCE", 0)
        change()
    return queue.claim(suspects=False)


def finish(claimed):
    """Do what the other process does in the end."""
    locked = lock_students(claimed.students)
    recompute(claimed.pairs, locked=locked)
    queue.finish(claimed, claimed.pairs, locked=locked)


def drain_later():
    RecomputeRequest.objects.update(not_before=factories.INSTANT)
    drain()


def test_a_parent_and_what_opens_wait_for_a_part_that_is_out_of_date(school, monkeypatch):
    ratings = master(school, school.first)
    drain()
    claimed = claimed_by_another(
        school,
        monkeypatch,
        lambda: void_rating(actor=None, rating_id=ratings[0], reason="another student's"),
    )

    master(school, school.second)
    drain()

    assert not Advancement.objects.filter(competency=school.heading).exists()
    assert not Opening.objects.exists()

    finish(claimed)
    drain_later()

    assert oracle.mismatches(connection) == []
    assert not RecomputeRequest.objects.exists()


def test_a_parent_that_waited_is_decided_though_its_part_did_not_move(school, monkeypatch):
    master(school, school.first)
    drain()
    claimed = claimed_by_another(
        school,
        monkeypatch,
        lambda: follow.follow_ratings(
            {(school.ana.pk, school.first.pk)}, locked=lock_students([school.ana.pk])
        ),
    )

    master(school, school.second)
    drain()

    assert MasteryState.objects.get(competency=school.heading).decision == "not_yet"

    finish(claimed)
    drain_later()

    assert MasteryState.objects.get(competency=school.heading).decision == "mastered"
    assert Opening.objects.get().competency == school.next
    assert oracle.mismatches(connection) == []
    assert not RecomputeRequest.objects.exists()
