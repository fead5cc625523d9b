"""
What must hold between rows: one row an identifier, references that resolve, and the rest.

Everything is checked that can be, and every breach is named; a file with rows that could not
be read accuses no other file.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from students.oneroster.columns import KEY, Column
from students.oneroster.diagnostics import Diagnostics
from students.oneroster.manifest import Mode
from students.oneroster.tables import Row, Table


@dataclass(frozen=True, slots=True)
class Link:
    """An organisation or session: what it is and what it belongs to, "" for nothing."""

    kind: str
    parent: str


class Held:
    """
    What the product already holds of a roster, for a delta to refer to; here nothing.

    ``identifiers`` are those of a file that are there now; ``links`` those of orgs or
    academicSessions. Asked at most once a file.
    """

    def identifiers(self, file: str) -> set[str]:  # noqa: ARG002
        return set()

    def links(self, file: str) -> dict[str, Link]:  # noqa: ARG002
        return {}


def check(
    tables: Mapping[str, Table],
    modes: Callable[[str], Mode],
    held: Held,
    diagnostics: Diagnostics,
) -> None:
    """Check all ``tables`` of a package against each other and what is ``held``."""
    for table in tables.values():
        _check_once(table, diagnostics)
    known = _Known(tables, modes, held)
    for table in tables.values():
        for column in table.columns:
            if column.to:
                _check_references(table, column, known, diagnostics)
    for file in ("orgs", "academicSessions"):
        if file in tables:
            _check_cycles(tables[file], known, diagnostics)
    for file, rule in _RULES:
        if file in tables and tables[file].is_sound:
            rule(tables[file], known, diagnostics)


class _Known:
    """Which identifiers of a file may be referred to, from the package or from what is held."""

    def __init__(
        self, tables: Mapping[str, Table], modes: Callable[[str], Mode], held: Held
    ) -> None:
        self._tables = tables
        self._modes = modes
        self._held = held
        self._identifiers: dict[str, set[str] | None] = {}
        self._links: dict[str, dict[str, Link]] = {}

    @property
    def tables(self) -> Mapping[str, Table]:
        return self._tables

    def is_there(self, file: str) -> bool:
        return self._modes(file) != "absent"

    def identifiers(self, file: str) -> set[str] | None:
        """Return them, or None where the file could not be read and nothing can be said."""
        if file not in self._identifiers:
            self._identifiers[file] = self._find(file)
        return self._identifiers[file]

    def _find(self, file: str) -> set[str] | None:
        table = self._tables.get(file)
        if table is None:
            # Declared, yet not there: that has been said.
            return set(self._held.identifiers(file)) if not self.is_there(file) else None
        if not table.is_sound:
            return None
        found = {row.key for row in table.staying}
        if table.mode == "delta":
            found |= self._held.identifiers(file) - {row.key for row in table.leaving}
        return found

    def links(self, file: str) -> dict[str, Link]:
        """Return the organisations or sessions there will be, those held included in a delta."""
        if file not in self._links:
            table = self._tables.get(file)
            is_bulk = table is not None and table.mode == "bulk"
            found = {} if is_bulk else dict(self._held.links(file))
            for row in table.staying if table else ():
                found[row.key] = Link(row["type"], row["parentSourcedId"])
            self._links[file] = found
        return self._links[file]

    def kind(self, file: str, identifier: str) -> str | None:
        link = self.links(file).get(identifier)
        return link.kind if link else None


def _check_once(table: Table, diagnostics: Diagnostics) -> None:
    _refuse_doubles(
        table,
        ((row.key, row) for row in table.rows),
        KEY,
        "row.duplicate_sourced_id",
        "sourcedId {value} is given twice: {first} and {second}.",
        diagnostics,
    )


def _refuse_doubles(
    table: Table,
    found: Iterable[tuple[str, Row]],
    column: str,
    code: str,
    message: str,
    diagnostics: Diagnostics,
) -> None:
    """Say of every value that two rows share who they are; both are named, with their rows."""
    seen: dict[str, Row] = {}
    for value, row in found:
        first = seen.setdefault(value, row)
        # A row given twice is said to be that once, not also of each of its values.
        if first is row or (first.key == row.key and column != KEY):
            continue
        diagnostics.error(
            table.name,
            row.number,
            column,
            code,
            message.format(
                value=value,
                first=f"{table.label(first)} (row {first.number})",
                second=f"{table.label(row)} (row {row.number})",
            ),
        )


def _check_references(
    table: Table, column: Column, known: _Known, diagnostics: Diagnostics
) -> None:
    identifiers = known.identifiers(column.to)
    if identifiers is None:
        return
    has_file = known.is_there(column.to)
    for row in table.staying:
        for identifier in row.list(column.name):
            if identifier in identifiers:
                if not has_file and table.mode == "bulk":
                    diagnostics.deviation(
                        table.name,
                        row.number,
                        column.name,
                        "reference.missing_file",
                        f"{column.to}.csv is not in the package; what is held was taken.",
                    )
                continue
            diagnostics.error(
                table.name,
                row.number,
                column.name,
                "reference.missing_record" if has_file else "reference.missing_file",
                f"{identifier} is not in {column.to}.csv"
                + (" or what is held." if table.mode == "delta" or not has_file else "."),
            )


def _check_cycles(table: Table, known: _Known, diagnostics: Diagnostics) -> None:
    links = known.links(table.file)
    told: set[str] = set()
    for row in table.staying:
        path = _cycle(row.key, links)
        if path and not told.intersection(path):
            told.update(path)
            diagnostics.error(
                table.name,
                row.number,
                "parentSourcedId",
                "reference.cycle",
                f"It belongs to itself: {' → '.join([*path, path[0]])}.",
            )


def _cycle(start: str, links: dict[str, Link]) -> list[str]:
    """Return the cycle that ``start`` is on, or nothing."""
    path = [start]
    seen = {start}
    while True:
        link = links.get(path[-1])
        if link is None or not link.parent:
            return []
        if link.parent == start:
            return path
        if link.parent in seen:
            return []
        path.append(link.parent)
        seen.add(link.parent)


def _check_sessions(table: Table, _: _Known, diagnostics: Diagnostics) -> None:
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


def _check_courses(table: Table, known: _Known, diagnostics: Diagnostics) -> None:
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


def _check_schools(table: Table, known: _Known, diagnostics: Diagnostics) -> None:
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


def _check_dates(table: Table, _: _Known, diagnostics: Diagnostics) -> None:
    for row in table.staying:
        if row["endDate"] and row["endDate"] < row["beginDate"]:
            diagnostics.error(
                table.name,
                row.number,
                "endDate",
                "semantic.ends_before_start",
                "It ends before it begins.",
            )


def _check_primary_roles(table: Table, _: _Known, diagnostics: Diagnostics) -> None:
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


def _check_primary_orgs(table: Table, known: _Known, diagnostics: Diagnostics) -> None:
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


def _check_primary_teachers(table: Table, _: _Known, diagnostics: Diagnostics) -> None:
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


def student_keys(tables: Mapping[str, Table]) -> set[str]:
    """Return who learns: by a role, or by being in a class as a student."""
    found: set[str] = set()
    for file in ("roles", "enrollments"):
        if file in tables:
            found.update(
                row["userSourcedId"] for row in tables[file].staying if row["role"] == "student"
            )
    users = tables.get("users")
    if users is not None and any(column.name == "role" for column in users.columns):
        found.update(row.key for row in users.staying if row["role"] == "student")
    return found


def _check_people(table: Table, known: _Known, diagnostics: Diagnostics) -> None:
    students = student_keys(known.tables)
    _refuse_doubles(
        table,
        ((row["username"].casefold(), row) for row in table.staying if row["username"]),
        "username",
        "row.duplicate_username",
        "Username {value} is given to two people: {first} and {second}.",
        diagnostics,
    )
    learning = [row for row in table.staying if row.key in students]
    _refuse_doubles(
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


def in_order(table: Table) -> list[list[Row]]:
    """
    Return the rows that stay, parents before children, a list for each depth.

    A parent outside the file counts as there already. There must be no cycle.
    """
    parents = {row.key: row["parentSourcedId"] for row in table.staying}
    depths: dict[str, int] = {}

    def depth(key: str) -> int:
        path = []
        while key in parents and key not in depths:
            path.append(key)
            key = parents[key]
        found = depths.get(key, -1)
        for step in reversed(path):
            found += 1
            depths[step] = found
        return found

    levels: defaultdict[int, list[Row]] = defaultdict(list)
    for row in table.staying:
        levels[depth(row.key)].append(row)
    return [levels[level] for level in sorted(levels)]
