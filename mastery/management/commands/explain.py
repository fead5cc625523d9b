"""``explain STUDENT COMPETENCY``: why a student stands where they stand."""

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from competencies.queries.clock import database_clock
from mastery.queries.explain import explanation
from mastery.queries.lookup import (
    NotAnInstant,
    NotFound,
    find_competency,
    find_instant,
    find_student,
)


class Command(BaseCommand):
    help = (
        "Say why a student stands where they stand on a competency: the decision, the rules, "
        "the calculation, every piece of evidence, and what would change it."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("student", metavar="STUDENT", help="public id, roster id or number")
        parser.add_argument("competency", metavar="COMPETENCY", help="CASE identifier or code")
        parser.add_argument("--district", metavar="CODE", help="where several have the number")
        parser.add_argument(
            "--framework", metavar="TITLE|ID", help="where several have the competency's code"
        )
        parser.add_argument(
            "--as-of", metavar="DAY|INSTANT", help="with what was known then; a day: at its end"
        )
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def handle(self, *, student: str, competency: str, **options: Any) -> None:
        try:
            who = find_student(student, district=options["district"])
            what = find_competency(
                competency, district=who.district, framework=options["framework"]
            )
            as_of = options["as_of"]
            if as_of is not None:
                as_of = find_instant(as_of, zone=who.district.time_zone, now=database_clock())
        except (NotFound, NotAnInstant) as problem:
            raise CommandError(str(problem)) from None
        found = explanation(who, what, as_of=as_of)
        if options["format"] == "json":
            self.stdout.write(json.dumps(found.as_dict(), indent=2, ensure_ascii=False))
        else:
            self.stdout.write(found.as_text())
