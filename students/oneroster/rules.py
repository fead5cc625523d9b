"""
What must hold between rows, of a package and of what is held.

Everything is checked that can be, and every breach is named; a file with rows that could not
be read accuses no other file.
"""

from collections.abc import Callable, Mapping

from students.oneroster.diagnostics import Diagnostics
from students.oneroster.known import Held, Known, student_keys
from students.oneroster.manifest import Mode
from students.oneroster.references import (
    check_cycles,
    check_once,
    check_references,
    refuse_doubles,
)
from students.oneroster.tables import Row, Table


def check(
    tables: Mapping[str, Table],
    modes: Callable[[str], Mode],
    held: Held,
    diagnostics: Diagnostics,
) -> None:
    """Check all ``tables`` of a package against each other and what is ``held``."""
    for table in tables.values():
        check_once(table, diagnostics)
    known = Known(tables, modes, held)
    for table in tables.values():
        for column in table.columns:
            if column.to:
                check_references(table, column, known, diagnostics)
    for file in ("orgs", "academicSessions"):
        if file in tables:
            check_cycles(tables[file], known, diagnostics)
    for file, rule in _RULES:
        if file in tables and tables[file].is_sound:
            rule(tables[file], known, diagnostics)


def _check_sessions(table: Table, _: Known, diagnostics: Diagnostics) -> None:
    days = {row.key: (row["startDate"], row["endDate"]) for row in table.staying}
    for row in table.staying:
        starts, ends = days[row.key]
        if starts and ends and ends <= starts:
            diagnostics.error(
                table.name,
                row.number,
                "endDate",
                "semantic.ends_before_start",
                "The session must end after it starts; the end is the first day after it.",
            )
        outer = days.get(row["parentSourcedId"])
        if outer and (starts < outer[0] or ends > outer[1]):
            diagnostics.deviation(
                table.name,
                row.number,
                "parentSourcedId",
                "semantic.outside_parent",
                "The session does not lie within the one that it belongs to.",
            )


def _check_courses(table: Table, known: Known, diagnostics: Diagnostics) -> None:
    for row in table.staying:
        kind = known.kind("academicSessions", row["schoolYearSourcedId"])
        if kind not in (None, "schoolYear"):
            diagnostics.deviation(
                table.name,
                row.number,
                "schoolYearSourcedId",
                "semantic.not_a_school_year",
                f"It refers to a {kind}, not to a school year.",
            )


def _check_schools(table: Table, known: Known, diagnostics: Diagnostics) -> None:
    for row in table.staying:
        kind = known.kind("orgs", row["schoolSourcedId"])
        if kind not in (None, "school"):
            diagnostics.deviation(
                table.name,
                row.number,
                "schoolSourcedId",
                "semantic.not_a_school",
                f"It refers to a {kind}, not to a school.",
            )


def _check_dates(table: Table, _: Known, diagnostics: Diagnostics) -> None:
    for row in table.staying:
        if row["endDate"] and row["endDate"] < row["beginDate"]:
            diagnostics.error(
                table.name,
                row.number,
                "endDate",
                "semantic.ends_before_start",
                "It ends before it begins.",
            )


def _check_primary_roles(table: Table, _: Known, diagnostics: Diagnostics) -> None:
    seen: set[tuple[str, str]] = set()
    for row in table.staying:
        pair = (row["userSourcedId"], row["orgSourcedId"])
        if row["roleType"] != "primary":
            continue
        if pair in seen:
            diagnostics.deviation(
                table.name,
                row.number,
                "roleType",
                "semantic.several_primary_roles",
                f"{pair[0]} has several primary roles at {pair[1]}.",
            )
        seen.add(pair)


def _check_primary_orgs(table: Table, known: Known, diagnostics: Diagnostics) -> None:
    roles = known.tables.get("roles")
    if roles is None or roles.mode != "bulk" or not roles.is_sound:
        return
    if not any(column.name == "primaryOrgSourcedId" for column in table.columns):
        return
    places = {(row["userSourcedId"], row["orgSourcedId"]) for row in roles.staying}
    for row in table.staying:
        org = row["primaryOrgSourcedId"]
        if org and (row.key, org) not in places:
            diagnostics.deviation(
                table.name,
                row.number,
                "primaryOrgSourcedId",
                "semantic.no_role_at_primary_org",
                "The person has no role there.",
            )


def _check_primary_teachers(table: Table, _: Known, diagnostics: Diagnostics) -> None:
    seen: set[str] = set()
    for row in table.staying:
        if row["role"] != "teacher" or row["primary"] != "true":
            continue
        if row["classSourcedId"] in seen:
            diagnostics.warn(
                table.name,
                row.number,
                "primary",
                "semantic.several_primary_teachers",
                f"Class {row['classSourcedId']} has several primary teachers; all lead.",
            )
        seen.add(row["classSourcedId"])


def _check_people(table: Table, known: Known, diagnostics: Diagnostics) -> None:
    students = student_keys(known.tables)
    refuse_doubles(
        table,
        ((row["username"].casefold(), row) for row in table.staying if row["username"]),
        "username",
        "row.duplicate_username",
        "Username {value} is given to two people: {first} and {second}.",
        diagnostics,
    )
    learning = [row for row in table.staying if row.key in students]
    refuse_doubles(
        table,
        ((row["identifier"], row) for row in learning if row["identifier"]),
        "identifier",
        "row.duplicate_student_number",
        "Student number {value} is given to two students: {first} and {second}. "
        "If they are one person, list them once.",
        diagnostics,
    )
    for row in learning:
        _check_learner(table, row, diagnostics)


def _check_learner(table: Table, row: Row, diagnostics: Diagnostics) -> None:
    for column, value, limit in (
        ("identifier", row["identifier"], 100),
        ("grades", row["grades"].split(",")[0], 20),
    ):
        if len(value) > limit:
            diagnostics.error(
                table.name,
                row.number,
                column,
                "row.invalid_length",
                f"A student's value here has at most {limit} characters.",
            )


_RULES = (
    ("academicSessions", _check_sessions),
    ("courses", _check_courses),
    ("classes", _check_schools),
    ("users", _check_people),
    ("users", _check_primary_orgs),
    ("roles", _check_dates),
    ("roles", _check_primary_roles),
    ("enrollments", _check_schools),
    ("enrollments", _check_dates),
    ("enrollments", _check_primary_teachers),
)
