"""Make files to try the imports with: a school's roster and a file of evidence."""

import csv
import random
import uuid
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from assessments.evidence_file.columns import COLUMNS
from competencies.models import Competency, Framework
from students.oneroster.sample import SampleSchool, make_school, sorted_files
from students.oneroster.writer import ExportRefused, write_package

MOST_PIECES = 20  # on one competency by one student
NOT_RATED = 0.02  # of all marks
HALVES = 0.15
TOP = 4  # points
Row = tuple[str, ...]

# Each a list of words from which one is drawn; a word that comes twice comes twice as often.
KINDS = ("quiz", "test", "project", "observation", "assignment", "assignment", "performance")
PURPOSES = ("formative", "formative", "summative")
SETTINGS = ("classroom", "classroom", "classroom", "laboratory", "community", "online")
SITUATIONS = ("familiar", "familiar", "new")
CONDITIONS = ("independent", "independent", "independent", "with_support", "group")
MARKS = ("not_shown", "missed", "excused")
COMMENTS = ("", "", "", "", "Clear reasoning.", "Check the units.", "Explain the last step.")


class Command(BaseCommand):
    help = (
        "Write a made-up school as a OneRoster 1.2 folder (OUT/roster) and evidence about its "
        "students (OUT/evidence.csv) on the rated competencies of a framework that has been "
        "imported. The same options always give the same files."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, required=True, metavar="DIR")
        parser.add_argument("--people", type=int, default=300, help="all of them together")
        parser.add_argument("--students", type=int, help="students; the others come on top")
        parser.add_argument("--subjects", type=int, default=6, choices=range(1, 11))
        parser.add_argument("--ratings", type=int, default=100_000)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--until", type=date.fromisoformat, default=date(2026, 6, 26))
        parser.add_argument(
            "--framework", default="", metavar="ID", help="its number, CASE identifier or title"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        competencies = _competencies(options["framework"]) if options["ratings"] else ()
        school = make_school(
            people=options["people"],
            students=options["students"],
            subjects=options["subjects"],
            seed=options["seed"],
            until=options["until"],
        )
        _check_enough(len(school.students), len(competencies), options["ratings"])
        try:
            written = write_package(options["out"] / "roster", "1.2", sorted_files(school.files))
        except ExportRefused as problem:
            raise CommandError(str(problem)) from problem
        for file, count in written.items():
            self.stdout.write(f"roster/{file}.csv: {count:,}")
        if options["ratings"]:
            evidence = _Evidence(school, competencies, options["seed"], options["until"])
            _write(options["out"] / "evidence.csv", evidence.rows(options["ratings"]))
            self.stdout.write(f"evidence.csv: {options['ratings']:,}")


def _competencies(named: str) -> Sequence[str]:
    """Return the CASE identifiers of a framework's rated competencies, in their order there."""
    frameworks = Framework.objects.order_by("pk")
    if named:
        frameworks = frameworks.filter(_is_named(named))
    found = list(frameworks[:2])
    if len(found) != 1:
        what = "No framework" if not found else "More than one framework"
        raise CommandError(f"{what} fits. Import one, or name it with --framework.")
    rows = Competency.objects.filter(framework=found[0], is_rated=True, retired_at__isnull=True)
    return [str(key) for key in rows.order_by("pk").values_list("identifier", flat=True)]


def _is_named(named: str) -> Q:
    is_it = Q(title=named)
    if named.isdecimal():
        is_it |= Q(pk=int(named))
    with suppress(ValueError):
        is_it |= Q(identifier=uuid.UUID(named))
    return is_it


def _check_enough(students: int, competencies: int, ratings: int) -> None:
    # Half of the most, so that how many pieces a pair has can be drawn freely.
    most = students * competencies * MOST_PIECES // 2
    if ratings > most:
        raise CommandError(
            f"{students:,} students and {competencies:,} competencies have room for {most:,} "
            "ratings. Ask for fewer, or for more students."
        )


class _Evidence:
    """Draws evidence: abilities that differ and grow, pieces spread over two school years."""

    def __init__(
        self, school: SampleSchool, competencies: Sequence[str], seed: int, until: date
    ) -> None:
        self._chance = random.Random(f"evidence {seed}")  # noqa: S311
        self._school = school
        self._competencies = competencies
        self._seed = seed
        self._days = _school_days(until)

    def rows(self, ratings: int) -> Iterator[Row]:
        """Yield exactly so many rows, oldest first."""
        drawn = sorted(self._pieces(ratings))
        for number, (day, _, row) in enumerate(drawn, start=1):
            yield (f"sample-{self._seed}-{number:07}", *row[:3], day, *row[3:])

    def _pieces(self, ratings: int) -> Iterator[tuple[str, int, Row]]:
        """Yield (day, order, fields without id and day) in any order."""
        number = 0
        for student, ability, competency in self._pairs():
            pieces = min(self._chance.randint(1, MOST_PIECES), ratings - number)
            days = sorted(self._chance.choices(self._days, k=pieces))
            for place, day in enumerate(days):
                number += 1
                grown = ability + place * 0.15
                yield day.isoformat(), number, self._piece(student, competency, grown)
            if number == ratings:
                return

    def _pairs(self) -> Iterator[tuple[str, float, str]]:
        """Yield students in turn, each time with another competency of theirs."""
        students = [
            (
                key,
                self._chance.uniform(1.2, 3.2),
                self._chance.sample(self._competencies, k=len(self._competencies)),
            )
            for key in self._school.students
        ]
        for place in range(len(self._competencies)):
            for key, ability, order in students:
                yield key, ability, order[place]

    def _piece(self, student: str, competency: str, ability: float) -> Row:
        draw = self._chance.choice
        kind = draw(KINDS)
        is_rated = self._chance.random() >= NOT_RATED
        return (
            student,
            competency,
            self._points(ability) if is_rated else "",
            f"{kind.capitalize()} {self._chance.randint(1, 40)}",
            kind,
            draw(PURPOSES),
            draw(SETTINGS),
            draw(SITUATIONS),
            draw(CONDITIONS),
            draw(("true", "false", "false", "false")),
            "rated" if is_rated else draw(MARKS),
            draw(self._school.teachers_of[student]),
            draw(COMMENTS),
        )

    def _points(self, ability: float) -> str:
        points = round(ability + self._chance.gauss(0, 0.6))
        points = min(max(points, 1), TOP)
        has_half = points < TOP and self._chance.random() < HALVES
        return f"{points}.5" if has_half else str(points)


# What _piece gives, with the two that rows() adds; modality is left out on purpose.
HEADER = (
    "external_id",
    "student",
    "competency",
    "points",
    "demonstrated_on",
    "assessment",
    "kind",
    "purpose",
    "setting",
    "situation",
    "conditions",
    "application",
    "mark",
    "assessor",
    "comment",
)
assert set(HEADER) <= set(COLUMNS)


def _school_days(until: date) -> list[date]:
    """Return the weekdays of the last two school years before ``until``, without the summers."""
    ends = until.year + (until.month >= 8)
    first = date(ends - 2, 9, 1)
    days = (first + timedelta(days=number) for number in range((until - first).days))
    return [day for day in days if day.weekday() < 5 and day.month not in (7, 8)]


def _write(path: Path, rows: Iterator[Row]) -> None:
    if path.exists():
        raise CommandError(f"{path} is there already. Name a new folder.")
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows)
