"""A small district on the cluster, its savers, and what must be true of it in the end."""

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from subprocess import Popen

from django.db import OperationalError, connection, transaction

from assessments.models import Evidence, Rating
from mastery.actions import queue
from mastery.models import MasteryState, RecomputeRequest
from students.actions.locks import lock_students
from tests import factories, oracle
from tests.faults.cluster import PATIENCE, Cluster
from tests.faults.ledger import Line, read
from tests.faults.saver import Spec

Pair = tuple[int, int]


class School:
    """Students, four competencies under one heading, and one that a prerequisite opens."""

    def __init__(self, cluster: Cluster, *, students: int = 6) -> None:
        self.cluster = cluster
        with transaction.atomic():
            self.district = factories.make_district()
            self.teacher = factories.make_user(district=self.district)
            made = [factories.make_student(district=self.district) for _ in range(students)]
            self.heading = factories.make_competency(is_rated=False)
            parts = [factories.make_competency(parent=self.heading) for _ in range(4)]
            self.next = factories.make_competency(framework=self.heading.framework)
            factories.make_prerequisite(competency=self.next, requires=parts[0])
        self.students = [row.pk for row in made]
        self.competencies = [row.pk for row in parts]
        self.savers: dict[str, Popen[bytes]] = {}

    # Saving

    def start_savers(self, count: int = 2, **more: object) -> None:
        for number in range(1, count + 1):
            name = f"saver-{self.district.pk}-{number}"
            spec = Spec(
                name=name,
                district=self.district.pk,
                actor=self.teacher.pk,
                students=self.students,
                competencies=self.competencies,
                ledger=str(self._ledger(name)),
                seed=number,
            )
            self._file(name).write_text(json.dumps(asdict(replace(spec, **more))))
            self.savers[name] = self.cluster.spawn(
                name, "tests.faults.saver", str(self._file(name))
            )
        wait_for(lambda: all(self.ledger(name) for name in self.savers), "the first saves")

    def stop_savers(self) -> None:
        """Let every saver finish its save; from then on nothing is unknown."""
        for process in self.savers.values():
            process.terminate()
        for name, process in self.savers.items():
            assert process.wait(PATIENCE) == 0, self.cluster.said(name)

    def ledger(self, name: str | None = None) -> list[Line]:
        names = [name] if name else list(self.savers)
        return [line for each in names for line in read(self._ledger(each))]

    def _ledger(self, name: str) -> Path:
        return self.cluster.folder / f"{name}.ledger"

    def _file(self, name: str) -> Path:
        return self.cluster.folder / f"{name}.json"

    # Asking

    def ask(self, pairs: list[Pair], *, priority: int = RecomputeRequest.BULK) -> None:
        """Put pairs in the queue, as an import or a policy does."""
        with transaction.atomic():
            locked = lock_students(student for student, _ in pairs)
            queue.enqueue(self.district.pk, pairs, locked=locked, priority=priority)

    def waiting(self) -> list[RecomputeRequest]:
        """Return what the queue still has to do in our district, quarantined ones left out."""
        rows = RecomputeRequest.objects.filter(
            district_id=self.district.pk, quarantined_at__isnull=True
        )
        return list(rows)

    def quarantined(self) -> set[Pair]:
        rows = RecomputeRequest.objects.filter(
            district_id=self.district.pk, quarantined_at__isnull=False
        )
        return set(rows.values_list("student_id", "competency_id"))

    def states(self) -> set[Pair]:
        rows = MasteryState.objects.filter(district=self.district)
        return set(rows.values_list("student_id", "competency_id"))

    # What must be true

    def settle(self, seconds: float = PATIENCE) -> None:
        """Wait until the worker has emptied the queue by itself."""
        wait_for(
            lambda: not self.waiting(),
            lambda: (
                f"an empty queue: {[vars(row) for row in self.waiting()]}\n"
                f"{self.cluster.said('worker')[-4000:]}"
            ),
            seconds,
        )

    def check(self) -> None:
        """
        Check, with the queue empty: the ledger is the database, nothing was a surprise, every
        state equals a replay, every advancement is there once, and nobody is quarantined.
        """
        lines = self.ledger()
        assert [line for line in lines if line.error] == []
        self._check_ledger(lines)
        assert self.mismatches() == []
        assert self.quarantined() == set()

    def mismatches(self) -> list[str]:
        return oracle.mismatches(connection, district=self.district.pk)

    def _check_ledger(self, lines: list[Line]) -> None:
        told = sorted(name for line in lines for name in line.evidence)
        stored = Evidence.objects.filter(district=self.district, source__in=self.savers)
        assert sorted(stored.values_list("external_id", flat=True)) == told
        corrections = [
            (line.rating, line.replaces)
            for line in lines
            if line.kind == "correct" and line.rating != line.replaces  # to what stood already
        ]
        rows = Rating.objects.filter(district=self.district)
        stored_corrections = rows.filter(replaces__isnull=False).values_list("pk", "replaces")
        assert sorted(stored_corrections) == sorted(corrections)
        voids = sorted((line.rating, line.key) for line in lines if line.kind == "void")
        stored_voids = rows.filter(voided_at__isnull=False).values_list("pk", "void_reason")
        assert sorted(stored_voids) == voids


def wait_for(condition: object, what: object, seconds: float = PATIENCE) -> None:
    """Wait until ``condition()``; while the database is away it is not true."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():  # type: ignore[operator]
                return
        except OperationalError:
            connection.close()
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what() if callable(what) else what}")
        time.sleep(0.05)
