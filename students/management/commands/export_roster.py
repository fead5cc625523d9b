"""Write a district's people, classes and enrolments as a OneRoster package."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from students.actions.roster import NoDistrict, export_roster
from students.oneroster.columns import VERSIONS
from students.oneroster.writer import ExportRefused


class Command(BaseCommand):
    help = "Write the roster as a OneRoster CSV package: a zip if PATH ends in .zip, else a folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH", help="a new zip or folder")
        parser.add_argument("--district", required=True, metavar="CODE")
        parser.add_argument("--oneroster-version", choices=VERSIONS, default="1.2")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            exported = export_roster(
                path=options["path"],
                district_code=options["district"],
                version=options["oneroster_version"],
            )
        except (NoDistrict, ExportRefused) as problem:
            raise CommandError(str(problem)) from problem
        for file, count in exported.written.items():
            self.stdout.write(f"{file:<20}{count:>12,}")
        for file, count in exported.left_out.items():
            self.stderr.write(f"{count:,} {file} made here and not by a roster were left out")
