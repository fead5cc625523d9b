import shutil
from collections.abc import Iterator

import pytest

from runner.accounts import server_account
from runner.throwaway import temporary_folder
from tests.runner.installation import Installation


@pytest.fixture
def installation() -> Iterator[Installation]:
    """An empty place; whatever a failed test leaves running in it is killed."""
    import os
    import signal

    folder = temporary_folder(server_account())
    here = Installation(folder)
    yield here
    for pid in here.running():
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)
