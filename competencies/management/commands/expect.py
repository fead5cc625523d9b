"""``expect``: say which competencies a grade, a course or a section works on, and when."""

import argparse
from datetime import date
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Model, Q, QuerySet

from competencies.actions.expectations import ExpectationRefused, Expected, add_expectations
from competencies.queries.choice import NotFound, named_frameworks, rated_competencies
from students.models import Course, District, School, SchoolEnrollment, Section

Row = TypeVar("Row", bound=Model)


class Command(BaseCommand):
    help = (
        "Say which competencies a grade of a school, a course or a section works on, from one "
        "day to another. Doing it again changes nothing."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--district", metavar="CODE", required=True)
        parser.add_argument(
            "--framework", metavar="TITLE|ID|all", required=True, help="whose competencies"
        )
        parser.add_argument("--school", metavar="SOURCED_ID|NAME", required=True)
        of = parser.add_mutually_exclusive_group(required=True)
        of.add_argument("--grade", metavar="G")
        of.add_argument("--course", metavar="SOURCED_ID")
        of.add_argument("--section", metavar="SOURCED_ID")
        parser.add_argument(
            "--from", dest="starts_on", metavar="DATE", type=_day, required=True, help="first day"
        )
        parser.add_argument(
            "--to", dest="ends_on", metavar="DATE", type=_day, help="the first day after it"
        )
        parser.add_argument(
            "--codes", metavar="PREFIX,…", default="", help="only codes that begin with these"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")

    def handle(self, *, district: str, framework: str, **options: Any) -> None:
        try:
            tenant = _one(District.objects.filter(code=district), "district", district)
            frameworks = named_frameworks(framework, district=tenant)
            prefixes = [each.strip() for each in options["codes"].split(",") if each.strip()]
            competencies = list(rated_competencies(frameworks, prefixes=prefixes))
            if not competencies:
                raise NotFound("No competency there is rated; nothing can be expected.")
            summary = add_expectations(
                actor=None,
                district=tenant,
                competencies=competencies,
                expected=self._expected(tenant, options),
                starts_on=options["starts_on"],
                ends_on=options["ends_on"],
                dry_run=options["dry_run"],
            )
        except (NotFound, ExpectationRefused) as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(summary.as_text())
        if options["dry_run"]:
            self.stdout.write("Dry run: nothing was written.")

    def _expected(self, district: District, options: dict[str, Any]) -> Expected:
        school = _school(district, options["school"])
        if options["grade"]:
            self._warn_of_empty_grade(school, options["grade"])
            return Expected(school=school, grade=options["grade"])
        if options["course"]:
            courses = Course.objects.filter(school=school, sourced_id=options["course"])
            return Expected(course=_one(courses, "course", options["course"]))
        sections = Section.objects.filter(school=school, sourced_id=options["section"])
        return Expected(section=_one(sections, "section", options["section"]))

    def _warn_of_empty_grade(self, school: School, grade: str) -> None:
        grades = set(
            SchoolEnrollment.objects.filter(school=school).values_list("grade", flat=True)
        ) - {""}
        if grade not in grades:
            there = ", ".join(sorted(grades)) or "none yet"
            self.stderr.write(
                f"warning: nobody at {school} is in grade {grade}; the grades there: {there}."
            )


def _school(district: District, name: str) -> School:
    schools = School.objects.filter(district=district)
    by_id = schools.filter(sourced_id=name)
    return _one(by_id if by_id.exists() else schools.filter(Q(name__iexact=name)), "school", name)


def _one(rows: "QuerySet[Row]", kind: str, name: str) -> Row:
    found = list(rows[:2])
    if not found:
        raise NotFound(f"There is no {kind} {name}; check how it is written.")
    if len(found) > 1:
        raise NotFound(f"Several are called {name}; name the {kind} by its id in the roster.")
    return found[0]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text} is not a day; write one like 2026-09-01"
        ) from None


__all__ = ["Command"]
