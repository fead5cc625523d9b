"""Prove that what is stored is what the logs say."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mastery.actions.audit import Audited, audit
from mastery.actions.slices import Pair, work_through
from mastery.management import scope
from students.actions.locks import Locked
from students.management import output
from students.problems import Progress


class Command(BaseCommand):
    help = (
        "Derive every state anew from what was recorded and say where what is stored differs. "
        "Changes nothing without --heal. Ends with 1 where something differs and was not healed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        scope.add_arguments(parser)
        parser.add_argument(
            "--replay",
            action="store_true",
            help="compare the log of advancements and what opened as well, row by row",
        )
        parser.add_argument("--heal", action="store_true", help="recompute the pairs that differ")

    def handle(self, *args: Any, **options: Any) -> None:
        students = scope.student_ids(options)
        found = Audited()

        def work(pairs: set[Pair], locked: Locked) -> None:
            audit(pairs, locked=locked, replay=options["replay"], heal=options["heal"], found=found)

        progress = Progress(len(students), "students", output.errors(self))
        framework = scope.framework_id(options)
        for number in work_through(students, work, framework=framework):
            progress.advance(number)
        progress.finish()
        for (student, competency), columns in sorted(found.wrong.items()):
            self.stdout.write(f"student {student}, competency {competency}: {', '.join(columns)}")
        self.stdout.write(
            f"{found.checked:,} pairs checked, {len(found.wrong):,} differ, "
            f"{found.healed:,} healed, {found.waiting:,} wait in the queue."
        )
        if found.wrong and not options["heal"]:
            raise CommandError("Run again with --heal to mend them, and tell why they differed.")
