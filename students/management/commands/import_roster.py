"""Load a district's people, classes and enrolments from a OneRoster package."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from students.actions.roster import NoDistrict, Outcome, RosterHeld, import_roster
from students.actions.roster.departures import Departures
from students.management import output
from students.oneroster.diagnostics import PROFILES
from students.problems import ImportRefused, Progress, Summary, report

HELD = 3  # exit code: right or wrong, a person must say


class Command(BaseCommand):
    help = (
        "Load organisations, sessions, courses, classes, people, roles and enrolments from a "
        "OneRoster 1.1 or 1.2 CSV package (a zip or a folder): all of it or nothing. People who "
        "are absent from a complete file are deactivated and never deleted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH", help="a zip or a folder")
        parser.add_argument("--district", required=True, metavar="CODE")
        parser.add_argument(
            "--create-district", default="", metavar="NAME", help="make the district if it is new"
        )
        parser.add_argument(
            "--time-zone",
            default="",
            metavar="ZONE",
            help="of a new district and of new schools, like Europe/Madrid",
        )
        parser.add_argument("--dry-run", action="store_true", help="do everything, keep nothing")
        parser.add_argument(
            "--confirm-departures",
            action="store_true",
            help="let more than 5 %% or more than 25 students of a school leave",
        )
        parser.add_argument("--profile", choices=PROFILES, default="tolerant")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            outcome = import_roster(
                path=options["path"],
                district_code=options["district"],
                create_district=options["create_district"],
                time_zone=options["time_zone"],
                is_trial=options["dry_run"],
                departures_confirmed=options["confirm_departures"],
                profile=options["profile"],
                progress=lambda total, label: Progress(total, label, output.errors(self)),
            )
        except ImportRefused as refusal:
            report(refusal.problems, self._output())
            self.stdout.write(_refused(refusal).as_text())
            raise CommandError(str(refusal)) from refusal
        except RosterHeld as held:
            report(held.problems, self._output())
            self._print_departures(held.schools)
            self.stdout.write(held.summary.as_text())
            raise CommandError(str(held), returncode=HELD) from held
        except NoDistrict as problem:
            raise CommandError(str(problem)) from problem
        self._print(outcome, is_trial=options["dry_run"])

    def _print(self, outcome: Outcome, *, is_trial: bool) -> None:
        report(outcome.problems, self._output())
        self._print_departures(outcome.departures)
        self.stdout.write(outcome.summary.as_text())
        if is_trial:
            self.stdout.write("Nothing was changed: this was a trial.")

    def _print_departures(self, schools: tuple[Departures, ...]) -> None:
        for school in schools:
            self.stdout.write(
                f"School {school.sourced_id or school.school_id}: of {school.students:,} students "
                f"{school.leaving:,} leave and {school.leaving_classes:,} more leave all classes"
            )

    def _output(self) -> Any:
        return self.stdout._out  # Django's wrapper adds line ends


def _refused(refusal: ImportRefused) -> Summary:
    summary = Summary()
    places = {(p.file, p.row) for p in refusal.problems if p.is_error and p.row is not None}
    for file, _ in sorted(places, key=str):
        summary.count("refused", file.removesuffix(".csv"))
    return summary
