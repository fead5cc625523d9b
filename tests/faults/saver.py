"""
One teacher who never stops saving: ``python -m tests.faults.saver SPEC``.

Records, corrects and voids through the action layer. Where it is not told how a save ended, it
repeats the save under the same external ids or the same idempotency key until it is told; then
it writes the ledger. SIGTERM ends it after the save at hand.
"""

import json
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import django
from django.db import IntegrityError, InterfaceError, OperationalError, transaction

from tests.faults.ledger import Line, write

MONDAY = date(2026, 3, 2)
PAUSE_SECONDS = 0.05  # between two attempts while the database is away


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What to save: whom, on what, how much at once, and who asks."""

    name: str
    district: int
    actor: int
    students: list[int]
    competencies: list[int]
    ledger: str
    pieces: int = 3  # most pieces in one save
    corrects: bool = True
    seed: int = 1
    pause: float = 0.0  # seconds between two saves


class Saver:
    def __init__(self, spec: Spec) -> None:
        from students.models import District, User

        self.spec = spec
        self.random = random.Random(spec.seed)
        self.district = District.objects.get(pk=spec.district)
        self.actor = User.objects.get(pk=spec.actor)
        self.ledger = Path(spec.ledger)
        self.standing: list[int] = []  # our ratings that may be corrected
        self.number = 0
        self.stopped = False

    def run(self) -> None:
        while not self.stopped:
            self.number += 1
            key = f"{self.spec.name}-{self.number}"
            choice = self.random.random()
            if self.spec.corrects and self.standing and choice < 0.3:
                place = self.random.randrange(len(self.standing))
                number = self.standing.pop(place)
                (self._void if choice < 0.1 else self._correct)(key, number)
            else:
                self._record(key)
            if self.spec.pause:
                time.sleep(self.spec.pause)

    def _record(self, key: str) -> None:
        from assessments.actions import NewPiece, NewRating, record_evidence
        from assessments.models import Rating

        pieces = [
            NewPiece(
                student_id=self.random.choice(self.spec.students),
                ratings=[
                    NewRating(competency_id=number, points=Decimal(self.random.randint(1, 4)))
                    for number in self.random.sample(
                        self.spec.competencies, min(2, len(self.spec.competencies))
                    )
                ],
                demonstrated_on=MONDAY + timedelta(days=self.random.randrange(60)),
                title=f"Task {self.random.randrange(1000)}",
                external_id=f"{key}-{place}",
            )
            for place in range(self.random.randint(1, self.spec.pieces))
        ]

        def save() -> Any:
            try:
                record_evidence(
                    actor=None, district=self.district, pieces=pieces, source=self.spec.name
                )
            except IntegrityError as error:  # an earlier attempt got through
                if "external_once" not in str(error):
                    raise

        names = [piece.external_id for piece in pieces]
        told = self._until_told(save, Line(kind="record", key=key, evidence=names))
        if told is not None:
            found = self._until_told(
                lambda: list(
                    Rating.objects.filter(
                        evidence__source=self.spec.name, evidence__external_id__in=names
                    ).values_list("pk", flat=True)
                ),
                None,
            )
            self.standing += found

    def _correct(self, key: str, number: int) -> None:
        from assessments.actions import correct_rating

        points = self.random.randint(100, 400)  # hundredths

        def correct() -> int:
            row = correct_rating(actor=None, rating_id=number, points=Decimal(points) / 100)
            return row.pk

        line = Line(kind="correct", key=key, evidence=[], replaces=number)
        told = self._until_told(lambda: self._once(key, [number, points], correct), line)
        if told is not None:
            self.standing.append(told)

    def _void(self, key: str, number: int) -> None:
        from assessments.actions import void_rating

        def void() -> int:
            void_rating(actor=None, rating_id=number, reason=key)
            return number

        line = Line(kind="void", key=key, evidence=[])
        self._until_told(lambda: self._once(key, [number], void), line)

    def _once(self, key: str, body: list[int], act: Callable[[], int]) -> int:
        """Act under an idempotency key, as a page or an endpoint does."""
        from students.actions.idempotency import claim, keep

        with transaction.atomic():
            earlier = claim(actor=self.actor, key=key, body=body)
            if earlier is not None:
                return int(earlier)
            result = act()
            keep(actor=self.actor, key=key, result=result)
            return result

    def _until_told(self, save: Callable[[], Any], line: Line | None) -> Any:
        """Save until the outcome is known; return it, or None where it may not be."""
        attempts = 0
        while True:
            attempts += 1
            began = time.monotonic()
            try:
                told = save()
            except (OperationalError, InterfaceError) as error:
                django.db.connection.close()
                if "deadlock" in str(error):
                    self._surprise(line, error)
                time.sleep(PAUSE_SECONDS)
                continue
            except Exception as error:
                self._surprise(line, error)
                return None
            if line is not None:
                self._acknowledge(line, told, time.monotonic() - began, attempts)
            return True if told is None else told

    def _acknowledge(self, line: Line, told: Any, seconds: float, attempts: int) -> None:
        rating = told if isinstance(told, int) and not isinstance(told, bool) else None
        known = {name: getattr(line, name) for name in ("kind", "key", "evidence", "replaces")}
        write(self.ledger, Line(**known, rating=rating, seconds=seconds, attempts=attempts))

    def _surprise(self, line: Line | None, error: Exception) -> None:
        key = line.key if line else ""
        text = f"{type(error).__name__}: {error}"
        write(self.ledger, Line(kind="error", key=key, evidence=[], error=text))


def main(path: str) -> None:
    import config.celery  # noqa: F401  (the doorbell rings on the product's app)

    django.setup()
    saver = Saver(Spec(**json.loads(Path(path).read_text())))

    def stop(*_: object) -> None:
        saver.stopped = True

    signal.signal(signal.SIGTERM, stop)
    saver.run()


if __name__ == "__main__":
    main(sys.argv[1])
