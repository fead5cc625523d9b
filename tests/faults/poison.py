"""
Pairs that cannot be decided: those with a piece titled "poison …", in these processes only.

The product has no hook for it: the engine's ``decide`` is wrapped where it is called.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from functools import wraps
from typing import NoReturn

from django.apps import AppConfig

from mastery.engine import values

Decide = Callable[[values.Logs, datetime], values.Outcome]


class PoisonConfig(AppConfig):
    """Wraps ``decide``, and shortens what a test would have to wait for."""

    name = "tests.faults.poison"

    def ready(self) -> None:
        from mastery.actions import decisions, queue

        decisions.decide = _poisoned(decisions.decide)
        queue.LEASE_SECONDS = float(os.environ["FAULTS_LEASE_SECONDS"])
        queue.DELAY_SECONDS = float(os.environ["FAULTS_DELAY_SECONDS"])
        queue._Doorbell.QUIET_SECONDS = 1.0


def title(kind: str) -> str:
    """Return the title of a piece that poisons its pair; ``kind`` is one of :data:`KINDS`."""
    return f"poison {kind}"


def task(named: str) -> int:
    """Return the number of the task that pieces of a title share."""
    from assessments.actions.task import task_of

    return task_of(assessment_id=None, title=named, kind=0, assessor_id=None, day=date.min)


def _raise(*_: object) -> NoReturn:
    raise RuntimeError("this pair cannot be decided")


def _exit(*_: object) -> NoReturn:
    os._exit(9)


def _never_end(*_: object) -> NoReturn:
    parent = os.getppid()
    while os.getppid() == parent:  # so that even this one goes when the tests are killed
        pass
    os._exit(9)


def _spoil(decide: Decide, logs: values.Logs, at: datetime) -> values.Outcome:
    """Decide something that no row can hold: the write fails, with everything beside it."""
    outcome = decide(logs, at)
    return replace(outcome, state=replace(outcome.state, counted=10**6))


KINDS = {"raise": _raise, "exit": _exit, "never end": _never_end, "spoil": _spoil}


def _poisoned(decide: Decide) -> Decide:
    by_task = {task(title(kind)): effect for kind, effect in KINDS.items()}

    @wraps(decide)
    def decide_or_not(logs: values.Logs, at: datetime) -> values.Outcome:
        for rating in logs.ratings:
            if rating.task in by_task:
                return by_task[rating.task](decide, logs, at)
        return decide(logs, at)

    return decide_or_not
