"""Load a CSV file of evidence."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assessments.actions.import_evidence import import_evidence
from students.management import output
from students.models import District
from students.problems import ImportRefused, Progress


class Command(BaseCommand):
    help = "Load a CSV file of evidence: all of it, or nothing where anything is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a CSV file, see docs/evidence-file.md")
        parser.add_argument("--district", required=True, help="code of the district")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        district = District.objects.filter(code=options["district"]).first()
        if district is None:
            raise CommandError(
                f"There is no district {options['district']}. import_roster makes one."
            )
        progress = Progress(None, "rows", output.errors(self))
        try:
            summary = import_evidence(
                district=district,
                path=path,
                dry_run=options["dry_run"],
                say=self.stdout.write,
                progress=progress,
            )
        except ImportRefused:
            raise CommandError(
                "Nothing was changed. Correct the file where it says so and run it again."
            ) from None
        progress.finish()
        self.stdout.write(summary.as_text())
        self.stdout.write(
            "Dry run: nothing was changed."
            if options["dry_run"]
            else "The worker decides what was imported: ./run serve has one, or run "
            "./run manage drain here."
        )
