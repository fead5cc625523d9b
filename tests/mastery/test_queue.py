"""The queue of record: claims, renewals, suspects, quarantine, and a broker that is gone."""

from io import StringIO

import pytest
from celery import Celery
from django.core.management import call_command
from django.db import connection, transaction

from config.celery import app
from mastery.actions import queue
from mastery.actions.drain import drain, sweep
from mastery.models import Heartbeat, MasteryState, RecomputeRequest
from mastery.queries import queue_health
from mastery.tasks import drain as drain_task
from mastery.tasks import sweep as sweep_task
from students.actions import idempotency
from students.actions.locks import UnknownStudent, lock_students
from students.models import IdempotencyKey
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair():
    """A student and a competency that nothing was recorded about."""
    student = factories.make_student()
    competency = factories.make_competency()
    return student, competency


def ask(pair, **more):
    student, competency = pair
    with transaction.atomic():
        locked = lock_students([student.pk])
        queue.enqueue(student.district_id, {(student.pk, competency.pk)}, locked=locked, **more)
    return student.pk, competency.pk


def request():
    return RecomputeRequest.objects.get()


def let_leases_end():
    RecomputeRequest.objects.update(
        lease_until=factories.INSTANT.replace(year=2020), not_before=factories.INSTANT
    )


def test_what_is_claimed_is_leased_and_nobody_else_gets_it(pair):
    key = ask(pair)

    claimed = queue.claim(suspects=False)

    assert claimed.pairs == {key}
    assert not queue.claim(suspects=False).pairs
    assert not queue.claim(suspects=True).pairs
    assert request().attempts == 1


def test_a_request_renewed_while_it_was_worked_on_stays(pair):
    key = ask(pair)
    claimed = queue.claim(suspects=False)

    ask(pair)
    with transaction.atomic():
        queue.finish(claimed, {key}, locked=lock_students([key[0]]))

    assert (request().generation, request().attempts, request().lease_until) == (2, 0, None)
    assert drain() == 1
    assert not RecomputeRequest.objects.exists()


def test_an_unfinished_attempt_makes_a_suspect_that_is_claimed_alone(pair):
    key = ask(pair)
    other = factories.make_competency(framework=pair[1].framework)
    queue.claim(suspects=False)
    let_leases_end()
    ask((pair[0], other))

    assert queue.claim(suspects=False).pairs == {(pair[0].pk, other.pk)}
    assert queue.claim(suspects=True).pairs == {key}


def test_the_fifth_unfinished_attempt_quarantines_until_something_new_comes(pair):
    key = ask(pair)
    queue.claim(suspects=False)
    for _ in range(queue.MAX_ATTEMPTS - 1):
        let_leases_end()
        assert queue.claim(suspects=True).pairs == {key}
    let_leases_end()

    assert not queue.claim(suspects=True).pairs
    assert request().quarantined_at is not None
    assert queue_health().quarantined == 1
    assert queue.failed_before({key}) == {key}

    ask(pair)

    assert request().quarantined_at is None
    assert queue.claim(suspects=True).pairs == {key}


def test_a_failed_pair_waits_longer_each_time_and_keeps_its_error(pair):
    key = ask(pair)
    queue.claim(suspects=False)

    with transaction.atomic():
        queue.fail({key: "ValueError: no"}, locked=lock_students([key[0]]))

    assert request().last_error == "ValueError: no"
    assert not queue.claim(suspects=True).pairs
    assert queue.failed_before({key}) == {key}


def test_what_is_given_back_was_no_attempt(pair):
    ask(pair)
    claimed = queue.claim(suspects=False)

    queue.give_back(claimed)

    assert (request().attempts, request().lease_until) == (0, None)


def test_asking_for_a_student_who_is_not_locked_is_a_mistake_of_ours(pair):
    student, competency = pair

    with pytest.raises(AssertionError, match="not locked"), transaction.atomic():
        queue.enqueue(student.district_id, {(student.pk, competency.pk)}, locked=lock_students([]))


def test_a_student_who_does_not_exist_cannot_be_locked(db):
    with pytest.raises(UnknownStudent), transaction.atomic():
        lock_students([2**31 - 1])


def test_a_broker_that_is_gone_costs_a_save_nothing_and_is_left_alone_for_a_while(
    tmp_path, monkeypatch
):
    monkeypatch.delenv("CELERY_BROKER_URL")  # Celery prefers it to what it is given
    bell = queue._Doorbell()
    nowhere = Celery("nowhere", broker=f"redis+socket://{tmp_path}/nowhere.sock")
    nowhere.conf.broker_transport_options = app.conf.broker_transport_options
    nowhere.set_current()
    try:
        bell.ring()
        quiet = bell.quiet_until
        bell.ring()
    finally:
        app.set_current()

    assert quiet > 0
    assert bell.quiet_until == quiet


def test_the_tasks_do_the_work_and_leave_a_sign_of_life(pair):
    ask(pair)
    Heartbeat.objects.all().delete()

    drain_task()

    assert not RecomputeRequest.objects.exists()
    assert queue_health().worker_seen_seconds_ago < 60


def test_the_sweep_asks_for_what_changes_with_time_and_forgets_old_keys(pair):
    student, competency = pair
    factories.make_state(
        student=student, competency=competency, valid_until=factories.INSTANT.replace(year=2020)
    )
    old = factories.make_idempotency_key(created_at=factories.INSTANT.replace(year=2020), key="old")
    factories.make_idempotency_key(actor=old.actor, key="new")

    sweep()

    assert request().student_id == student.pk
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["new"]
    sweep_task()
    assert not RecomputeRequest.objects.exists()
    assert not MasteryState.objects.exists()  # nothing was ever recorded that it could rest on


def test_a_repeated_request_gets_the_stored_answer_and_another_body_is_refused(db):
    person = factories.make_user()
    with transaction.atomic():
        assert idempotency.claim(actor=person, key="k", body={"points": 3}) is None
        idempotency.keep(actor=person, key="k", result={"level": 3})

    with transaction.atomic():
        assert idempotency.claim(actor=person, key="k", body={"points": 3}) == {"level": 3}
    with pytest.raises(idempotency.KeyReused), transaction.atomic():
        idempotency.claim(actor=person, key="k", body={"points": 4})


def test_every_request_of_a_student_is_claimed_together(pair):
    student, first = pair
    others = [factories.make_competency(framework=first.framework) for _ in range(3)]
    for competency in (first, *others):
        ask((student, competency))

    assert len(queue.claim(suspects=False).pairs) == 4
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT lease_by) FROM mastery_recomputerequest")
        assert cursor.fetchone() == (1,)


def test_the_drain_command_works_off_the_queue_and_says_so(pair):
    ask(pair)
    out = StringIO()

    call_command("drain", stdout=out, stderr=StringIO())

    assert out.getvalue().strip() == "1 pairs decided; 0 wait, 0 are quarantined."
    assert not RecomputeRequest.objects.exists()
