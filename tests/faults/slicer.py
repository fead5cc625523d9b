"""
Asks for the same pairs again and again and works them off: ``python -m tests.faults.slicer IDS``.

What a bulk recompute does beside people who save. SIGTERM ends it after the round at hand.
"""

import json
import signal
import sys

import django


def main(district: int, pairs: list[tuple[int, int]]) -> None:
    import config.celery  # noqa: F401

    django.setup()
    from django.db import transaction

    from mastery.actions import drain, queue
    from mastery.models import RecomputeRequest
    from students.actions.locks import lock_students

    going = True

    def stop(*_: object) -> None:
        nonlocal going
        going = False

    signal.signal(signal.SIGTERM, stop)
    while going:
        with transaction.atomic():
            locked = lock_students(student for student, _ in pairs)
            queue.enqueue(district, pairs, locked=locked, priority=RecomputeRequest.BULK)
        drain.drain(seconds=1)


if __name__ == "__main__":
    spec = json.loads(sys.argv[1])
    main(spec["district"], [(student, competency) for student, competency in spec["pairs"]])
