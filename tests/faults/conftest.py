"""One installation for all faults; this process looks into its database as the plain role."""

from collections.abc import Iterator

import pytest
from django.db import connection

from config import environment
from tests.faults.cluster import Cluster

pytest.register_assert_rewrite("tests.faults.school")

from tests.faults.school import School  # noqa: E402


@pytest.fixture(scope="package")
def cluster(django_db_blocker: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Start the installation and turn the default connection to it, for every thread."""
    before = dict(connection.settings_dict)
    cluster = Cluster()
    try:
        cluster.start()
        connection.close()
        connection.settings_dict.update(environment.database(cluster.environment["DATABASE_URL"]))
        with django_db_blocker.unblock():  # type: ignore[attr-defined]
            yield cluster
    finally:
        connection.close()
        connection.settings_dict.clear()
        connection.settings_dict.update(before)
        cluster.stop()


@pytest.fixture
def school(cluster: Cluster) -> School:
    """A district of its own, on an installation in which everything runs."""
    cluster.mend()
    return School(cluster)
