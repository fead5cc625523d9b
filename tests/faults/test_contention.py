"""Several people, a bulk recompute and a policy change, all on the same few students."""

import json
import threading
import time
from decimal import Decimal

import pytest
from django.db import connection, transaction

from assessments.actions import NewPiece, NewRating, record_evidence
from assessments.models import Evidence
from competencies.actions.policies import Place, place_policy
from competencies.models import PolicyPlacement
from mastery.models import RecomputeRequest
from students.actions.idempotency import KeyReused, claim, keep
from students.actions.locks import lock_students
from tests import factories
from tests.faults.cluster import LEASE_SECONDS, Cluster, every
from tests.faults.saver import MONDAY
from tests.faults.school import School, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120), pytest.mark.xdist_group("faults")]

THREADS = 50


def test_savers_a_slice_and_a_new_policy_on_the_same_students_agree(
    cluster: Cluster, school: School
) -> None:
    pairs = [(s, c) for s in school.students for c in [*school.competencies, school.heading.pk]]
    lenient, strict = factories.preset("quick"), factories.preset("steady")
    school.start_savers(2, pieces=6)
    slicer = cluster.spawn(
        "slicer",
        "tests.faults.slicer",
        json.dumps({"district": school.district.pk, "pairs": pairs}),
    )

    for round_, _ in enumerate(every(1, during=6)):
        place_policy(
            actor=None,
            district=school.district,
            version=[lenient, strict][round_ % 2],
            place=Place(framework=school.heading.framework),
            mode=PolicyPlacement.Mode.RECOMPUTE,
        )
    school.stop_savers()
    slicer.terminate()

    assert slicer.wait(30) == 0, cluster.said("slicer")
    school.settle()
    assert len(school.ledger()) > 50
    assert "deadlock" not in cluster.said("postgres")
    school.check()


def test_a_student_locked_for_long_keeps_nobody_waiting_and_is_not_blamed(school: School) -> None:
    locked = school.students[0]
    pairs = [(student, school.competencies[0]) for student in school.students]
    for student in school.students:
        record(school, student)
    released = threading.Event()
    holding = threading.Event()

    def hold() -> None:  # as a large import or a policy for the whole district does
        with transaction.atomic():
            lock_students([locked])
            holding.set()
            released.wait(60)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        holding.wait(30)
        ask_unlocked(school, pairs)
        wait_for(
            lambda: {row.student_id for row in school.waiting()} == {locked},
            lambda: f"the others: {[vars(row) for row in school.waiting()]}",
            15,
        )
        time.sleep(LEASE_SECONDS * 6)  # longer than five leases: time enough for five attempts
        attempts = [row.attempts for row in school.waiting()]
    finally:
        released.set()
        holder.join()
    school.settle()

    assert max(attempts) <= 1
    school.check()


def test_fifty_requests_under_one_key_are_one_row_and_fifty_equal_answers(school: School) -> None:
    start = threading.Barrier(THREADS)
    answers: list[object] = []

    def save() -> None:
        start.wait()
        try:
            answers.append(record_once(school, "the same", "3"))
        except Exception as error:  # any error is a wrong answer
            answers.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=save) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    [row] = Evidence.objects.filter(district=school.district)
    assert answers == [row.pk] * THREADS
    with pytest.raises(KeyReused):
        record_once(school, "the same", "4")
    school.settle()
    school.check()


@transaction.atomic
def record_once(school: School, key: str, points: str) -> int:
    """Do what a page does: claim the key, act, keep the result."""
    earlier = claim(actor=school.teacher, key=key, body={"points": points})
    if earlier is not None:
        return int(earlier)
    result = record(school, school.students[0], points)
    keep(actor=school.teacher, key=key, result=result)
    return result


def record(school: School, student: int, points: str = "3") -> int:
    rating = NewRating(competency_id=school.competencies[0], points=Decimal(points))
    piece = NewPiece(student_id=student, ratings=[rating], demonstrated_on=MONDAY)
    recorded = record_evidence(actor=None, district=school.district, pieces=[piece])
    return recorded.evidence[0].pk


def ask_unlocked(school: School, pairs: list[tuple[int, int]]) -> None:
    """Put pairs in the queue past the lock, which somebody else holds."""
    RecomputeRequest.objects.bulk_create(
        RecomputeRequest(student_id=s, competency_id=c, district_id=school.district.pk)
        for s, c in pairs
    )
