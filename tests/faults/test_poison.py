"""Pairs that cannot be decided, in a crowd of pairs that can."""

import json

import pytest

from assessments.models import Rating
from mastery.actions.queue import MAX_ATTEMPTS
from mastery.models import RecomputeRequest
from tests import factories
from tests.faults import poison
from tests.faults.cluster import PATIENCE, Cluster
from tests.faults.school import Pair, School

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120), pytest.mark.xdist_group("faults")]

CROWD = 60


def seed(school: School, poisons: tuple[str, ...]) -> dict[str, Pair]:
    """
    Put a crowd in the queue with one pair of each kind of poison in it.

    The rows are made past the actions, as an import makes them: nothing is decided yet.
    """
    made: dict[str, Pair] = {}
    students = factories.StudentFactory.create_batch(CROWD // 4, district=school.district)
    pairs = [(student, number) for student in students for number in school.competencies]
    for (student, number), kind in zip(pairs[7::13], poisons, strict=False):
        made[kind] = (student.pk, number)
    titles = {pair: poison.title(kind) for kind, pair in made.items()}
    for student, number in pairs:
        evidence = factories.make_evidence(
            student=student, title=titles.get((student.pk, number), "Task")
        )
        factories.make_rating(
            evidence=evidence,
            competency_id=number,
            competency=None,
            task=poison.task(evidence.title),
        )
    school.ask([(student.pk, number) for student, number in pairs])
    return made


def check_that_only(school: School, poisoned: set[Pair]) -> None:
    """Check that the poisoned pairs are quarantined and undecided, and that all else is right."""
    assert school.quarantined() == poisoned
    requests = RecomputeRequest.objects.filter(district_id=school.district.pk)
    assert {row.attempts for row in requests} == {MAX_ATTEMPTS}
    wrong = {line.split(":")[0] for line in school.mismatches()}
    assert wrong <= {str(pair) for pair in poisoned}
    assert not poisoned & school.states()


def test_pairs_that_raise_kill_or_never_end_are_quarantined_and_nobody_with_them(
    cluster: Cluster, school: School
) -> None:
    made = seed(school, tuple(poison.KINDS))

    school.settle(60)

    check_that_only(school, set(made.values()))


def test_a_pair_that_raises_in_a_save_waits_and_the_others_are_decided(
    cluster: Cluster, school: School
) -> None:
    student, (bad, *good) = school.students[0], school.competencies

    sheet = cluster.spawn(
        "sheet",
        "tests.faults.sheet",
        json.dumps({"district": school.district.pk, "student": student, "parts": [bad, *good]}),
    )

    assert sheet.wait(PATIENCE) == 0, cluster.said("sheet")
    assert Rating.objects.filter(student=student).count() == 1 + len(good)
    assert "decided 3, waiting 1" in cluster.said("sheet")
    school.settle()
    check_that_only(school, {(student, bad)})
