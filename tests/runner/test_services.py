"""The tests' own ground: real services, and the plain role."""

import signal
import subprocess
import sys
from threading import Thread

import pytest
from django.contrib.auth.models import Group
from django.db import ProgrammingError, connection, transaction

from runner import processes
from tests.roles import as_owner
from tests.runner.installation import ROOT

START = """
from runner.throwaway import ThrowAway
import time
services = ThrowAway()
services.start()
print(services.postgres.process.pid, services.broker.process.pid, flush=True)
time.sleep(600)
"""


def role() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return cursor.fetchone()[0]


@pytest.mark.django_db
def test_the_tests_run_as_the_plain_role():
    assert role() == "cairn_app"
    with pytest.raises(ProgrammingError, match="must be owner"), transaction.atomic():
        connection.cursor().execute("ALTER TABLE auth_group ADD COLUMN x integer")


@pytest.mark.django_db
def test_the_owners_role_lasts_as_long_as_it_is_asked_for():
    with as_owner():
        with as_owner():
            assert role() == "cairn_owner"
        assert role() == "cairn_owner"
    assert role() == "cairn_app"

    with pytest.raises(ProgrammingError), transaction.atomic(), as_owner():
        connection.cursor().execute("SELECT nothing")
    assert role() == "cairn_app"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("after_how_many_flushes", [0, 1])
def test_other_threads_and_emptied_tables_have_the_plain_role_and_its_rights(
    after_how_many_flushes,
):
    Group.objects.create(name="first")
    seen = []

    def look() -> None:
        seen.append((role(), Group.objects.count()))
        connection.close()

    thread = Thread(target=look)
    thread.start()
    thread.join()

    assert seen == [("cairn_app", 1)]


@pytest.mark.faults
def test_services_end_with_the_process_that_started_them():
    owner = subprocess.Popen(
        [sys.executable, "-c", START], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    pids = owner.stdout.readline().split()
    assert all(processes.is_running(int(pid)) for pid in pids)

    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()

    assert processes.wait_until(lambda: not any(processes.is_running(int(pid)) for pid in pids), 30)
