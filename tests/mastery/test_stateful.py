"""
Whatever happens, in whatever order: the stored state equals a replay of the logs.

``HYPOTHESIS_PROFILE=long`` looks for longer.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.mastery.machine import Machine

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


# Each example begins and rolls back a transaction of its own.
@pytest.mark.django_db(transaction=True)
def test_the_stored_state_always_equals_a_replay_of_the_logs() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=1000 if LONG else 20,
            stateful_step_count=50 if LONG else 25,
            # Shrinking takes minutes; the long search takes them.
            phases=[phase for phase in Phase if LONG or phase not in {Phase.shrink, Phase.explain}],
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
