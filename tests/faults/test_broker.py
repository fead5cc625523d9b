"""A broker that hangs, forgets or dies: it carries a doorbell and nothing else."""

import signal
import time

import pytest

from tests.faults.cluster import Cluster
from tests.faults.school import School, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120), pytest.mark.xdist_group("faults")]

# A hung broker may cost a save 0.3 seconds; the rest is for a busy machine.
LONGEST_SAVE_SECONDS = 3.0


def saves_go_on(school: School, seconds: float) -> None:
    """Let people save for a while, each of them more than once."""
    before = {name: len(school.ledger(name)) for name in school.savers}
    end = time.monotonic() + seconds
    wait_for(
        lambda: (
            time.monotonic() > end
            and all(len(school.ledger(name)) > before[name] + 3 for name in school.savers)
        ),
        "saves to go on",
    )


def check_that_no_save_waited_or_failed(school: School) -> None:
    lines = school.ledger()
    assert max(line.seconds for line in lines) < LONGEST_SAVE_SECONDS
    assert {line.attempts for line in lines} == {1}


def test_a_broker_that_hangs_holds_up_no_save(cluster: Cluster, school: School) -> None:
    school.start_savers(2, pause=0.02)

    cluster.signal_broker(signal.SIGSTOP)
    saves_go_on(school, 5)  # much longer than the doorbell stays quiet after a failure
    cluster.signal_broker(signal.SIGCONT)
    saves_go_on(school, 0.5)
    school.stop_savers()
    school.settle()

    check_that_no_save_waited_or_failed(school)
    school.check()


def test_a_broker_that_forgets_or_dies_loses_no_work(cluster: Cluster, school: School) -> None:
    school.start_savers(2, pause=0.02)

    for _ in range(3):
        cluster.flush_broker()
        saves_go_on(school, 0.3)
    cluster.kill_broker()
    saves_go_on(school, 5)
    cluster.broker.start()  # empty: it keeps nothing on disk
    saves_go_on(school, 0.5)
    school.stop_savers()
    school.settle()

    assert cluster.celery["worker"].poll() is None, cluster.said("worker")
    check_that_no_save_waited_or_failed(school)
    school.check()


def test_the_bell_is_heard_again_after_the_broker_was_away(
    cluster: Cluster, school: School
) -> None:
    cluster.kill_broker()
    cluster.broker.start()
    cluster.stop_beat()  # so that nothing but the doorbell can wake the worker

    school.start_savers(1)
    school.stop_savers()
    school.settle()

    school.check()
