"""
Real services for the tests: a pytest plugin, loaded by ``-p tests.services``.

It starts them when it is imported, because pytest-django reads the settings in the first hook
there is. The process that distributes the tests starts them once; xdist's workers inherit the
addresses in the environment.
"""

import os

import pytest

from runner.throwaway import READY, ThrowAway


def _start() -> ThrowAway | None:
    if os.environ.get(READY):  # we are a worker, or ./run check has started them
        return None
    services = ThrowAway()
    os.environ.update(services.start())
    os.environ.update(services.marks())
    return services


def _use_own_broker_space() -> None:
    """Keep the workers' messages apart: gw0 has the second of sixteen spaces, gw1 the third."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker.startswith("gw"):
        base, _, _ = os.environ["CELERY_BROKER_URL"].partition("?")
        os.environ["CELERY_BROKER_URL"] = f"{base}?virtual_host={int(worker[2:]) % 15 + 1}"


_services = _start()
_use_own_broker_space()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    if _services is not None:
        _services.stop()
