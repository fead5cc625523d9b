import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from runner.accounts import server_account
from runner.throwaway import temporary_folder
from tests.runner.installation import Installation


@contextmanager
def empty_place() -> Iterator[Installation]:
    """Have an empty place; whatever a failed test leaves running in it is killed."""
    here = Installation(temporary_folder(server_account()))
    try:
        yield here
    finally:
        for pid in here.running():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(here.folder, ignore_errors=True)


@pytest.fixture
def installation() -> Iterator[Installation]:
    with empty_place() as here:
        yield here


@pytest.fixture(scope="module")
def kept_installation() -> Iterator[Installation]:
    """One for all tests of a file: they only read it."""
    with empty_place() as here:
        yield here
