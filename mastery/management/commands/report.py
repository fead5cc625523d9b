"""``report mastery --school …``: where everyone stands on what is expected of them."""

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from competencies.models import Competency
from competencies.queries.choice import named_frameworks
from mastery.exports import write_csv
from mastery.queries.lookup import NotFound, find_school
from mastery.queries.reports import layout
from mastery.queries.reports.expected import BY
from mastery.queries.reports.mastery import NothingExpected, mastery_report
from students.models import District


class Command(BaseCommand):
    help = (
        "Report where the students of a school stand on everything that is expected of them "
        "today. Students without evidence are always counted."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("report", metavar="REPORT", choices=["mastery"])
        parser.add_argument(
            "--school", metavar="ID|NAME", required=True, help="public id, roster id or name"
        )
        parser.add_argument("--district", metavar="CODE", help="where several have the name")
        parser.add_argument("--by", choices=BY, default="competency")
        parser.add_argument("--grade", metavar="G", help="only students of this grade")
        parser.add_argument("--framework", metavar="TITLE|ID", help="only its competencies")
        parser.add_argument(
            "--competency", metavar="PREFIX", help="only codes that begin with this"
        )
        parser.add_argument("--format", choices=["table", "csv", "json"], default="table")

    def handle(self, *, school: str, format: str, **options: Any) -> None:
        try:
            where = find_school(school, district=options["district"])
            found = mastery_report(
                where,
                by=options["by"],
                grade=options["grade"],
                competencies=_competencies(where.district, options),
            )
        except (NotFound, NothingExpected) as problem:
            raise CommandError(str(problem)) from None
        if format == "csv":
            write_csv(self.stdout, layout.header(found), layout.file_rows(found))
        elif format == "json":
            self.stdout.write(json.dumps(layout.as_dict(found), indent=2, ensure_ascii=False))
        else:
            self.stdout.write(layout.as_table(found))


def _competencies(district: District, options: dict[str, Any]) -> "QuerySet[Competency] | None":
    framework, prefix = options["framework"], options["competency"]
    if framework is None and prefix is None:
        return None
    found = Competency.objects.filter(
        framework__in=named_frameworks(framework or "all", district=district)
    )
    return found if prefix is None else found.filter(code__istartswith=prefix)
