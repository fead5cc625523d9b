"""Derive everything anew from the logs."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from mastery.actions.recompute import Recomputed, recompute
from mastery.actions.slices import Pair, work_through
from mastery.management import scope
from students.actions.locks import Locked
from students.management import output
from students.problems import Progress


class Command(BaseCommand):
    help = (
        "Derive states, advancements and openings anew from what was recorded, and write what "
        "differs. Safe while people work; can be stopped and run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        scope.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        students = scope.student_ids(options)
        done, pairs = Recomputed(), 0

        def work(of_slice: set[Pair], locked: Locked) -> None:
            nonlocal pairs
            result = recompute(of_slice, locked=locked)
            pairs += len(of_slice)
            done.changed |= result.changed
            done.failed |= result.failed

        progress = Progress(len(students), "students", output.errors(self))
        framework = scope.framework_id(options)
        for number in work_through(students, work, framework=framework):
            progress.advance(number)
        progress.finish()
        self.stdout.write(
            f"{pairs:,} pairs looked at, {len(done.changed):,} changed, "
            f"{len(done.failed):,} failed."
        )
        for (student, competency), error in sorted(done.failed.items()):
            self.stdout.write(f"student {student}, competency {competency}: {error}")
