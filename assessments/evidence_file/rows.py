"""From the records of a file to rows that can be staged; every problem by row and column."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from assessments.actions.task import task_of
from assessments.evidence_file import columns
from assessments.evidence_file.columns import WrongCell
from assessments.evidence_file.names import Names
from assessments.models import Conditions, Kind, Mark, Purpose, Setting, Situation
from assessments.models.codes import Modality, named

EARLIEST = date(1990, 1, 1)
Say = Callable[[int, str, str, str], None]  # row, column, code, message


class Row(NamedTuple):
    """One line of the file in the database's terms, in the order of the staging table."""

    line: int
    external_id: str
    student: int
    competency: int
    points: int | None  # hundredths
    mark: int
    demonstrated_on: date
    title: str
    task: int
    kind: int
    purpose: int
    setting: int | None
    modality: int | None
    situation: int | None
    conditions: int
    application: bool
    assessor: int | None
    comment: str
    policy_version: int
    scale: int


def staged_rows(records: Iterator[tuple[int, list[str]]], names: Names, say: Say) -> Iterator[Row]:
    """
    Yield the good rows; say what is wrong with the others. The first record is the header.

    One row in memory at a time; about fifteen microseconds each.
    """
    _, header = next(records, (1, None))
    if header is None:  # no CSV at all, which was said
        return
    wrong = columns.header_problems(header)
    for column, message in wrong:
        say(1, column, "table.header", message)
    if wrong:
        return
    width = len(header)
    for line, fields in records:
        if len(fields) != width:
            say(line, "", "row.width", f"The row has {len(fields)} fields, the header {width}.")
            continue
        row = _Reader(
            line, dict(zip(header, map(str.strip, fields), strict=True)), names, say
        ).row()
        if row is not None:
            yield row


class _Reader:
    """Reads the cells of one line; after a wrong one it reads on, to say all that is wrong."""

    def __init__(self, line: int, cells: Mapping[str, str], names: Names, say: Say) -> None:
        self.line = line
        self.cells = cells
        self.names = names
        self.say = say
        self.good = True

    def row(self) -> Row | None:
        cells, names = self.cells, self.names
        student = self._read("student", names.student)
        competency = self._read("competency", names.competency)
        points = self._read("points", columns.hundredths)
        day = self._read("demonstrated_on", columns.day)
        title = cells.get("assessment", "")
        kind = self._word("kind", Kind, Kind.ASSIGNMENT if title else Kind.OBSERVATION)
        mark = self._word("mark", Mark, Mark.RATED)
        assessor = self._read("assessor", names.assessor)
        rest = {
            "purpose": self._word("purpose", Purpose, Purpose.SUMMATIVE),
            "setting": self._word("setting", Setting, None),
            "modality": self._word("modality", Modality, None),
            "situation": self._word("situation", Situation, None),
            "conditions": self._word("conditions", Conditions, Conditions.INDEPENDENT),
            "application": self._read("application", columns.truth),
        }
        self._check(cells["external_id"], title, day)
        if not self.good:
            return None
        pinned = names.pinned(competency, day)
        self._check_points(points, mark, pinned.top)
        if not self.good:
            return None
        task = task_of(assessment_id=None, title=title, kind=kind, assessor_id=assessor, day=day)
        return Row(
            line=self.line,
            external_id=cells["external_id"],
            student=student,
            competency=competency,
            points=points,
            mark=mark,
            demonstrated_on=day,
            title=title,
            task=task,
            kind=kind,
            assessor=assessor,
            comment=cells.get("comment", ""),
            policy_version=pinned.version_id,
            scale=pinned.scale_id,
            **rest,
        )

    def _read(self, column: str, read: Callable[[str], Any]) -> Any:
        try:
            return read(self.cells.get(column, ""))
        except WrongCell as wrong:
            self._wrong(column, str(wrong))
            return None

    def _word(self, column: str, choices: Any, default: int | None) -> Any:
        text = self.cells.get(column, "")
        if not text:
            return default
        try:
            return named(choices, text)
        except ValueError as wrong:
            self._wrong(column, f"{wrong}.")
            return None

    def _wrong(self, column: str, message: str) -> None:
        self.good = False
        self.say(self.line, column, f"row.{column}", message)

    def _check(self, external_id: str, title: str, day: date | None) -> None:
        if not external_id:
            self._wrong(
                "external_id", "Give every piece an identifier, so that a second import knows it."
            )
        if len(external_id) > 200:
            self._wrong("external_id", "The identifier is longer than 200 characters.")
        if len(title) > 300:
            self._wrong("assessment", "The title is longer than 300 characters.")
        if day is not None and day > self.names.today:
            self._wrong("demonstrated_on", f"{day} is in the future.")
        if day is not None and day < EARLIEST:
            self._wrong("demonstrated_on", f"{day} is too long ago. Check the year.")

    def _check_points(self, points: int | None, mark: int, top: int) -> None:
        if mark != Mark.RATED:
            if points is not None:
                self._wrong("points", f"Work marked “{Mark(mark).label}” carries no points.")
        elif points is None:
            self._wrong("points", "Give the points, or another mark such as not_shown or excused.")
        elif not 0 <= points <= top:
            self._wrong("points", f"Points go from 0 to {top / 100:g}.")
