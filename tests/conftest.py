from collections.abc import Iterator

import pytest

from tests import roles


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Make the test database as the owner, then run the tests as the plain role."""
    roles.become_application()
    yield
    roles.become_owner()
