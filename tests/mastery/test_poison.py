"""A pair whose rows cannot be decided: its evidence is kept, and nobody else waits for it."""

from decimal import Decimal

import pytest

from assessments.actions import NewPiece, NewRating, record_evidence
from mastery.actions.drain import drain
from mastery.models import MasteryState, RecomputeRequest
from tests import factories

pytestmark = pytest.mark.django_db

NOWHERE = 2**30  # a policy version that does not exist: what it pins cannot be judged


@pytest.fixture
def bad():
    """A student with a rating that no rule judges, on one of two parts of a heading."""

    class Bad:
        district = factories.make_district()
        ana = factories.make_student(district=district)
        heading = factories.make_competency(is_rated=False)
        poisoned = factories.make_competency(parent=heading)
        sound = factories.make_competency(parent=heading)

    factories.make_rating(
        evidence=factories.make_evidence(student=Bad.ana),
        competency=Bad.poisoned,
        policy_version_id=NOWHERE,
    )
    return Bad


def record(bad):
    return record_evidence(
        actor=None,
        district=bad.district,
        pieces=[
            NewPiece(
                student_id=bad.ana.pk,
                ratings=[
                    NewRating(competency_id=one.pk, points=Decimal(3))
                    for one in (bad.poisoned, bad.sound)
                ],
                demonstrated_on=factories.DAY,
                title="Quiz",
            )
        ],
    )


def test_its_evidence_is_saved_and_the_others_of_the_save_are_decided(bad):
    record(bad)

    assert MasteryState.objects.get().competency == bad.sound
    waiting = set(RecomputeRequest.objects.values_list("competency_id", flat=True))
    assert bad.poisoned.pk in waiting


def test_the_drain_finishes_the_others_and_keeps_it_with_its_error(bad):
    record(bad)

    drain()

    request = RecomputeRequest.objects.get(competency_id=bad.poisoned.pk)
    assert request.last_error
    assert request.attempts == 1
    assert MasteryState.objects.filter(competency=bad.sound).exists()


def test_a_later_save_leaves_it_to_the_queue(bad):
    record(bad)
    drain()

    record(bad)

    request = RecomputeRequest.objects.get(competency_id=bad.poisoned.pk)
    assert (request.attempts, request.generation) == (1, 2)
