"""``export_framework FRAMEWORK FILE``: write a framework as a CASE package (CFPackage JSON)."""

import argparse
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from competencies.models import Framework
from competencies.queries.choice import NotFound, named_frameworks
from competencies.queries.package import framework_package
from students.models import District


class Command(BaseCommand):
    help = (
        "Write a framework as a CASE package (CFPackage JSON). What was imported goes out word "
        "for word, deviations included."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("framework", metavar="TITLE|ID")
        parser.add_argument("file", metavar="FILE", help="- for standard output")
        parser.add_argument("--district", metavar="CODE", help="also look among its own")

    def handle(self, *, framework: str, file: str, district: str | None, **_: Any) -> None:
        text = json.dumps(
            framework_package(_chosen(framework, district)), ensure_ascii=False, indent=1
        )
        if file == "-":
            self.stdout.write(text)
            return
        try:
            # "x": what is there already is nobody's to overwrite.
            with Path(file).open("x", encoding="utf-8") as out:
                out.write(text + "\n")
        except FileExistsError:
            raise CommandError(f"{file} is there already; name another file.") from None
        except OSError as problem:
            raise CommandError(f"{file} cannot be written: {problem.strerror}.") from None


def _chosen(name: str, code: str | None) -> Framework:
    district = District.objects.filter(code=code).first() if code else None
    if code and district is None:
        raise CommandError(f"No district has the code {code}.")
    try:
        (found,) = named_frameworks(name, district=district)
    except (NotFound, ValueError) as problem:
        if isinstance(problem, NotFound):
            raise CommandError(str(problem)) from None
        raise CommandError("Name one framework, not all.") from None
    return found
