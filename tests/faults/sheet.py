"""
A teacher saves one sheet with a pair on it that raises: ``python -m tests.faults.sheet SPEC``.

Says at once, in a process with the poison, what the save itself has decided.
"""

import json
import sys
from decimal import Decimal

import django


def main(district: int, student: int, parts: list[int]) -> None:
    import config.celery  # noqa: F401

    django.setup()
    from django.db import transaction

    from assessments.actions import NewPiece, NewRating, record_evidence
    from mastery.models import MasteryState, RecomputeRequest
    from students.models import District
    from tests.faults import poison
    from tests.faults.saver import MONDAY

    with transaction.atomic():  # so that no worker comes between the save and our look
        record_evidence(
            actor=None,
            district=District.objects.get(pk=district),
            pieces=[
                NewPiece(
                    student_id=student,
                    ratings=[NewRating(competency_id=part, points=Decimal(3))],
                    demonstrated_on=MONDAY,
                    title=poison.title("raise") if part == parts[0] else "Sheet",
                )
                for part in parts
            ],
        )
        states = MasteryState.objects.filter(student=student, competency__in=parts)
        waiting = RecomputeRequest.objects.filter(student_id=student, competency_id__in=parts)
        print(f"decided {states.count()}, waiting {waiting.count()}")


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
