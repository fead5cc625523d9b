"""``import_framework FILE``: load a framework from a CASE package (CFPackage JSON, 1.0 or 1.1)."""

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from competencies.actions.frameworks import Wishes, import_framework
from competencies.case.findings import Findings
from competencies.case.package import read_package
from students.management import output
from students.models import District
from students.problems import ImportRefused, Progress, Summary, report


class Command(BaseCommand):
    help = (
        "Load a framework from a CASE package (CFPackage JSON, 1.0 or 1.1). All or nothing; "
        "loading the same file again changes nothing. -v 2 tells every deviation."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE")
        parser.add_argument(
            "--district", metavar="CODE", help="its own framework; without it, shared by all"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")
        parser.add_argument(
            "--rated", metavar="TYPE,TYPE", help="the item types that evidence is rated on"
        )
        parser.add_argument(
            "--strict", action="store_true", help="refuse what deviates from the standard"
        )
        parser.add_argument(
            "--prerequisites-from-precedes",
            action="store_true",
            help="of two items, one preceding the other, the second requires the first",
        )

    def handle(self, *, file: str, district: str | None, verbosity: int, **options: Any) -> None:
        findings = Findings(file, keep_all=verbosity > 1)
        tenant = _district(district)
        reading = Progress(None, "read", output.errors(self))
        try:
            package = read_package(
                Path(file), findings, strict=options["strict"], advance=reading.advance
            )
            reading.finish()
            writing = Progress(None, "written", output.errors(self))
            summary = import_framework(
                actor=None,
                package=package,
                findings=findings,
                district=tenant,
                wishes=_wishes(options),
                advance=writing.advance,
            )
        except ImportRefused as refusal:
            report(refusal.problems, self.stdout)  # type: ignore[arg-type]
            self.stdout.write(_as_text(_refused(refusal)))
            raise CommandError(str(refusal)) from None
        writing.finish()
        if verbosity:
            report(findings.problems(), self.stdout)  # type: ignore[arg-type]
        self.stdout.write(_as_text(summary))
        if options["dry_run"]:
            self.stdout.write("Dry run: nothing was written.")


def _district(code: str | None) -> District | None:
    if code is None:
        return None
    found = District.objects.filter(code=code).first()
    if found is None:
        known = ", ".join(District.objects.order_by("code").values_list("code", flat=True)[:20])
        raise CommandError(f"No district has the code {code}. There are: {known or 'none yet'}.")
    return found


def _wishes(options: dict[str, Any]) -> Wishes:
    rated = options["rated"]
    return Wishes(
        rated=None if rated is None else [name for name in rated.split(",") if name.strip()],
        prerequisites=options["prerequisites_from_precedes"],
        dry_run=options["dry_run"],
    )


def _refused(refusal: ImportRefused) -> Summary:
    """Count the errors by what they are in; all or nothing, so these kept the rest out too."""
    summary = Summary()
    for problem in refusal.problems:
        if problem.is_error:
            summary.count("refused", _part(problem.column))
    return summary


def _part(pointer: str) -> str:
    for name, part in (("/CFItems", "items"), ("/CFAssociations", "associations")):
        if pointer.removeprefix("/CFPackage").startswith(name):
            return part
    return "package"


def _as_text(summary: Summary) -> str:
    """Frameworks retire what a roster deactivates."""
    return summary.as_text().replace("  deactivated", "      retired")
