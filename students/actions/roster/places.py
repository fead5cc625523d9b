"""Organisations, sessions, courses and classes of a roster."""

from datetime import date
from typing import Any

from django.db.models import Q

from students.actions.roster.sync import (
    Run,
    Wanted,
    chunks,
    finish,
    leftover,
    row_ids,
    sync,
)
from students.models import Course, School, Section, Term
from students.models.fields import FromRoster
from students.oneroster.references import in_order
from students.oneroster.tables import Row, Table


def import_orgs(run: Run, table: Table, time_zone: str) -> None:
    """Import organisations; ``time_zone`` is for those that are new."""

    def values(row: Row, ids: dict[str, int]) -> dict[str, Any]:
        return {
            "name": row["name"],
            "org_type": row["type"],
            "identifier": row["identifier"],
            "parent_id": ids.get(row["parentSourcedId"]),
            "roster": leftover(row, ("name", "type", "identifier", "parentSourcedId")),
        }

    for level in in_order(table):
        ids = row_ids(School, run.district)
        wanted = [(row.key, values(row, ids)) for row in level]
        sync(run, "orgs", School, wanted, at_first=lambda: {"time_zone": time_zone})
    _finish(run, table, School)


def import_sessions(run: Run, table: Table) -> None:
    modelled = ("title", "type", "startDate", "endDate", "parentSourcedId", "schoolYear")

    def values(row: Row, ids: dict[str, int]) -> dict[str, Any]:
        return {
            "title": row["title"],
            "kind": row["type"],
            "starts_on": date.fromisoformat(row["startDate"]),
            "ends_on": date.fromisoformat(row["endDate"]),
            "parent_id": ids.get(row["parentSourcedId"]),
            "school_year": int(row["schoolYear"]),
            "roster": leftover(row, modelled),
        }

    for level in in_order(table):
        ids = row_ids(Term, run.district)
        sync(run, "academicSessions", Term, [(row.key, values(row, ids)) for row in level])
    _finish(run, table, Term)


def import_courses(run: Run, table: Table) -> None:
    orgs = row_ids(School, run.district)
    terms = row_ids(Term, run.district)
    modelled = ("schoolYearSourcedId", "title", "courseCode", "grades", "orgSourcedId")

    def wanted(row: Row) -> Wanted:
        return row.key, {
            "school_id": orgs[row["orgSourcedId"]],
            "title": row["title"],
            "code": row["courseCode"],
            "school_year_id": terms.get(row["schoolYearSourcedId"]),
            "grades": row["grades"],
            "roster": leftover(row, modelled),
        }

    sync(run, "courses", Course, map(wanted, table.staying))
    _finish(run, table, Course)


def import_classes(run: Run, table: Table) -> None:
    orgs = row_ids(School, run.district)
    courses = row_ids(Course, run.district)
    modelled = ("title", "grades", "courseSourcedId", "classCode", "classType", "schoolSourcedId")

    def wanted(row: Row) -> Wanted:
        kept = leftover(row, (*modelled, "termSourcedIds"))
        keep_order(kept, "termSourcedIds", row.list("termSourcedIds"))
        return row.key, {
            "school_id": orgs[row["schoolSourcedId"]],
            "course_id": courses[row["courseSourcedId"]],
            "title": row["title"],
            "code": row["classCode"],
            "kind": row["classType"],
            "grades": row["grades"],
            "roster": kept,
        }

    sync(run, "classes", Section, map(wanted, table.staying))
    _finish(run, table, Section)
    _import_terms_of_classes(run, table)


def keep_order(kept: dict[str, str], name: str, listed: list[str]) -> None:
    """Keep a list's order where it is not the one that an export would write by itself."""
    if listed != sorted(listed):
        kept[name] = ",".join(listed)


def _import_terms_of_classes(run: Run, table: Table) -> None:
    """Give each class its terms; writes only differences. Not counted apart from the class."""
    sections = row_ids(Section, run.district)
    terms = row_ids(Term, run.district)
    through = Section.terms.through
    for rows in chunks(table.staying):
        wanted = {
            (sections[row.key], terms[term]) for row in rows for term in row.list("termSourcedIds")
        }
        held = {
            (section, term): pk
            for pk, section, term in through.objects.filter(
                section_id__in=[sections[row.key] for row in rows]
            ).values_list("pk", "section_id", "term_id")
        }
        gone = [pk for pair, pk in held.items() if pair not in wanted]
        if gone:
            through.objects.filter(Q(pk__in=gone)).delete()
        through.objects.bulk_create(
            [
                through(section_id=section, term_id=term)
                for section, term in sorted(wanted - held.keys())
            ]
        )


def _finish(run: Run, table: Table, model: type[FromRoster]) -> None:
    finish(
        run,
        table.file,
        model,
        mode=table.mode,
        listed={row.key for row in table.staying},
        leaving=(row.key for row in table.leaving),
    )
