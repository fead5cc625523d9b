"""The mastery report as JSON, as rows of a file, and as a table to read; see docs/reports.md."""

import os
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from mastery.exports import Cell
from mastery.queries.reports.mastery import NO_LEVEL, MasteryReport, Row, Tally

# Raise it when a field is renamed or changes its meaning; new fields may come without.
SCHEMA = "cairn.mastery_report.1"
WIDTH = 100  # characters of a table, where its figures leave room for names
_NARROWEST_NAME = 12

_BEFORE = ("expected", "no_evidence")
_AFTER = (
    "described",
    "awaiting_confirmation",
    "mastered_here",
    "mastered_by_override",
    "prior_standing",
    "refresh_due",
    "look_again",
)
# The table leaves out a column in which nothing is, but these stay.
_ALWAYS = {"expected", "no_evidence", "mastered_here"}


def as_dict(report: MasteryReport) -> dict[str, Any]:
    """Return it ready for JSON, always with the same keys in the same order."""
    return {
        "schema": SCHEMA,
        "school": {
            "public_id": str(report.school.public_id),
            "sourced_id": report.school.sourced_id,
            "name": report.school.name,
        },
        "day": report.day.isoformat(),
        "at": report.at.isoformat(),
        "by": report.by,
        "grade": report.grade,
        "students": report.students,
        "competencies": report.competencies,
        "policies": list(report.policies),
        "updating": report.updating,
        "paused": report.paused,
        "rows": [
            {"id": row.id, "code": row.code, "name": row.name} | _figures(row.tally)
            for row in report.rows
        ],
        "total": _figures(report.total),
    }


def header(report: MasteryReport) -> list[str]:
    """Return the names of the columns of :func:`file_rows`."""
    levels = [f"not_yet:{name}" for name in report.levels]
    return ["id", "code", "name", *_BEFORE, *levels, *_AFTER, "mastered_percent"]


def file_rows(report: MasteryReport) -> Iterator[list[Cell]]:
    """Yield the rows of a file, the total last with the id ``total``."""
    for row in (*report.rows, Row("total", "", _("Total"), report.total)):
        tally = row.tally
        yield [
            *(row.id, row.code, row.name),
            *(getattr(tally, name) for name in _BEFORE),
            *(tally.not_yet[name] for name in report.levels),
            *(getattr(tally, name) for name in _AFTER),
            tally.mastered_percent,
        ]


def as_table(report: MasteryReport) -> str:
    """Return it aligned, in :data:`WIDTH` columns where possible, with the total and notes."""
    columns = _columns(report)
    rows = (*report.rows, Row("", "", _("Total"), report.total))
    figures = [[_shown(_figure(row.tally, key)) for key, _title in columns] for row in rows]
    widths = [
        max(len(title), *(len(line[place]) for line in figures))
        for place, (_key, title) in enumerate(columns)
    ]
    room = max(_NARROWEST_NAME, WIDTH - sum(widths) - 2 * len(widths))
    names = [_cut(name, room) for name in _told_apart([_name(row) for row in rows], room)]
    wide = max(len(name) for name in names)
    titles = [title for _key, title in columns]
    lines = [_line("", titles, wide, widths)]
    lines += [_line(*row, wide, widths) for row in zip(names, figures, strict=True)]
    lines.insert(-1, "-" * len(lines[0]))
    return "\n".join([*_heading(report), "", *lines, "", *_notes(report)])


def _figures(tally: Tally) -> dict[str, Any]:
    percent = tally.mastered_percent
    return (
        {name: getattr(tally, name) for name in _BEFORE}
        | {"not_yet": dict(tally.not_yet)}
        | {name: getattr(tally, name) for name in _AFTER}
        | {"mastered_percent": None if percent is None else float(percent)}
    )


def _columns(report: MasteryReport) -> list[tuple[str, str]]:
    """Return key and title of the columns of the table."""
    titles = {
        "expected": _("expected"),
        "no_evidence": _("no evidence"),
        **{f"not_yet:{name}": name or _("not yet") for name in report.levels},
        "described": _("described"),
        "awaiting_confirmation": _("to confirm"),
        "mastered_here": _("mastered"),
        "mastered_by_override": _("override"),
        "prior_standing": _("prior"),
        "refresh_due": _("refresh"),
        "look_again": _("look again"),
    }
    kept = [
        (key, title)
        for key, title in titles.items()
        if key in _ALWAYS
        or (key.startswith("not_yet:") and key != f"not_yet:{NO_LEVEL}")
        or _figure(report.total, key)
    ]
    return [*kept, ("mastered_percent", "%")]


def _figure(tally: Tally, key: str) -> Any:
    group, _colon, level = key.partition(":")
    return tally.not_yet[level] if group == "not_yet" else getattr(tally, key)


def _shown(figure: Any) -> str:
    return f"{figure:,}" if isinstance(figure, int) else str(figure)


def _name(row: Row) -> str:
    return row.name if row.name.startswith(row.code) else f"{row.code} {row.name}"


def _told_apart(names: list[str], room: int) -> list[str]:
    """
    Leave out what the codes of a framework begin with alike, where the names get no room.

    ``CCSS.Math.Content.6.NS.A.1`` cut to fifteen letters would name every row the same.
    """
    *rows, total = names
    alike = os.path.commonprefix(rows) if len(rows) > 1 else ""  # noqa: RUF071  (by letter)
    alike = alike[: alike.rfind(".") + 1]
    if not alike or max(map(len, rows)) <= room:
        return names
    return [*(name.removeprefix(alike) for name in rows), total]


def _cut(text: str, room: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= room else line[: room - 1] + "…"


def _line(name: str, cells: list[str], wide: int, widths: list[int]) -> str:
    right = (f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
    return "  ".join([f"{name:<{wide}}", *right])


def _heading(report: MasteryReport) -> Iterator[str]:
    yield _("Mastery at {school} on {day}, by {by}").format(
        school=report.school.name, day=report.day, by=report.by
    ) + ("" if report.grade is None else _(", grade {grade}").format(grade=report.grade))
    yield _("{students} students, {competencies} competencies, {expected} expected pairs").format(
        students=f"{report.students:,}",
        competencies=f"{report.competencies:,}",
        expected=f"{report.total.expected:,}",
    )


def _notes(report: MasteryReport) -> Iterator[str]:
    yield _("The levels are of what is not yet mastered. % is mastered here, of all expected.")
    if report.by == "section":
        yield _("A pair that several sections expect is in each of them, and once in the total.")
    yield _("Decided by: {policies}").format(policies=", ".join(report.policies))
    if report.updating:
        yield _("Updating: {count} pairs wait to be recomputed.").format(count=report.updating)
    if report.paused:
        yield _("Paused: {count} pairs show their last good value.").format(count=report.paused)
