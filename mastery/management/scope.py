"""The students that a command about everybody is told to look at."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from competencies.models import Framework
from mastery.queries.lookup import NotFound, find_student
from students.models import District, Student


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--district", metavar="CODE", help="only this district")
    parser.add_argument("--framework", metavar="TITLE", help="only this framework's competencies")
    parser.add_argument("--student", metavar="STUDENT", help="only this student")


def student_ids(options: dict[str, Any]) -> list[int]:
    """Return the students meant, ascending."""
    rows = Student.objects.order_by("pk")
    if options["district"]:
        if not District.objects.filter(code=options["district"]).exists():
            raise CommandError(f"There is no district {options['district']}.")
        rows = rows.filter(district__code=options["district"])
    if options["student"]:
        try:
            rows = rows.filter(pk=find_student(options["student"], district=options["district"]).pk)
        except NotFound as wrong:
            raise CommandError(str(wrong)) from None
    return list(rows.values_list("pk", flat=True))


def framework_id(options: dict[str, Any]) -> int | None:
    """Return the framework meant; None: all of them."""
    if not options["framework"]:
        return None
    found = list(Framework.objects.filter(title=options["framework"]).values_list("pk", flat=True))
    if len(found) != 1:
        raise CommandError(f"{len(found) or 'No'} frameworks are named {options['framework']}.")
    return found[0]
