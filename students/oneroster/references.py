"""One row an identifier, references that resolve, parents that are not their own children."""

from collections import defaultdict
from collections.abc import Iterable

from students.oneroster.columns import KEY, Column
from students.oneroster.diagnostics import Diagnostics
from students.oneroster.known import Known, Link
from students.oneroster.tables import Row, Table


def check_once(table: Table, diagnostics: Diagnostics) -> None:
    refuse_doubles(
        table,
        ((row.key, row) for row in table.rows),
        KEY,
        "row.duplicate_sourced_id",
        "sourcedId {value} is given twice: {first} and {second}.",
        diagnostics,
    )


def refuse_doubles(
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


def check_references(table: Table, column: Column, known: Known, diagnostics: Diagnostics) -> None:
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


def check_cycles(table: Table, known: Known, diagnostics: Diagnostics) -> None:
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
