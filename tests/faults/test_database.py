"""PostgreSQL crashes under load: what was acknowledged is there, and everyone goes on."""

import pytest

from tests.faults.cluster import Cluster
from tests.faults.school import School, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120), pytest.mark.xdist_group("faults")]


def test_a_crash_of_the_database_loses_nothing_that_was_acknowledged(
    cluster: Cluster, school: School
) -> None:
    school.start_savers(2)
    worker, beat = (process.pid for process in cluster.celery.values())

    for _ in range(2):
        cluster.crash_database()
        before = {name: len(school.ledger(name)) for name in school.savers}
        wait_for(
            lambda before=before: all(
                len(school.ledger(name)) > before[name] + 20 for name in school.savers
            ),
            "the savers to go on",
        )
    school.stop_savers()
    school.settle()

    assert any(line.attempts > 1 for line in school.ledger())
    school.check()
    assert [process.pid for process in cluster.celery.values()] == [worker, beat]
    assert all(process.poll() is None for process in cluster.celery.values())
