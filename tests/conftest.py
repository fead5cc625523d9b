import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import roles

# What decides whether a change lands must decide the same twice; elsewhere every run looks for
# new examples.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Make the test database as the owner, then run the tests as the plain role."""
    roles.become_application()
    yield
    roles.become_owner()
