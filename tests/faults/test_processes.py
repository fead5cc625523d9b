"""Processes that die while people save."""

import pytest

from tests.faults.cluster import Cluster, every
from tests.faults.school import School

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120), pytest.mark.xdist_group("faults")]


def test_killed_workers_lose_nothing_and_blame_nobody(cluster: Cluster, school: School) -> None:
    school.start_savers(2)

    for beat, _ in enumerate(every(0.25, during=8)):
        if beat % 8 == 7:
            cluster.kill_worker()
            cluster.start_worker()
        else:
            cluster.kill_pool_child()
    school.stop_savers()
    school.settle()

    assert len(school.ledger()) > 50
    school.check()
