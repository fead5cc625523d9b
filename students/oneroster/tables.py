"""A file as a table of checked rows."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

from students.oneroster.cells import Cells
from students.oneroster.columns import KEY, MODIFIED, STATUS, Column
from students.oneroster.diagnostics import Diagnostics
from students.oneroster.headers import Place, read_header
from students.oneroster.manifest import Mode
from students.oneroster.package import SUFFIX, Package
from students.oneroster.records import Record, records

_NAMES = {"users": ("givenName", "familyName"), "orgs": ("name",)}
LEAVING = "tobedeleted"


class Row:
    """
    One row: canonical texts by column name, "" where blank.

    Every column of the standard can be asked for, also one that the file leaves out. A class
    with slots over a tuple: a district's file has hundreds of thousands.
    """

    __slots__ = ("_cells", "_index", "number")

    def __init__(self, number: int, cells: tuple[str, ...], index: dict[str, int]) -> None:
        self.number = number
        self._cells = cells
        self._index = index

    def __getitem__(self, column: str) -> str:
        return self._cells[self._index[column]]

    @property
    def key(self) -> str:
        return self._cells[0]

    @property
    def is_leaving(self) -> bool:
        return self._cells[1] == LEAVING

    def list(self, column: str) -> list[str]:
        value = self[column]
        return value.split(",") if value else []

    def items(self) -> Iterator[tuple[str, str]]:
        """Yield (column, value) for every value that is not blank."""
        for name, position in self._index.items():
            if self._cells[position]:
                yield name, self._cells[position]


@dataclass(slots=True)
class Table:
    """
    A file's rows in its own order. ``is_sound`` is False where some could not be read, so that
    nobody concludes from what is missing.
    """

    file: str
    mode: Mode
    columns: tuple[Column, ...] = ()
    rows: list[Row] = field(default_factory=list)
    is_sound: bool = True

    @property
    def name(self) -> str:
        return f"{self.file}{SUFFIX}"

    @property
    def staying(self) -> list[Row]:
        """Return the rows of what is there, without those to be deleted."""
        return [row for row in self.rows if not row.is_leaving]

    @property
    def leaving(self) -> list[Row]:
        return [row for row in self.rows if row.is_leaving]

    def label(self, row: Row) -> str:
        """Return what a person calls the row: a name, a title."""
        has = {column.name for column in self.columns}
        wanted = _NAMES.get(self.file) or ("title",)
        return " ".join(row[name] for name in wanted if name in has) or row.key


def read_table(
    package: Package,
    file: str,
    columns: tuple[Column, ...],
    mode: Mode,
    diagnostics: Diagnostics,
    advance: Callable[[int], None],
) -> Table:
    """Read a file, saying everything that is wrong; ``advance`` is told of every thousand rows."""
    table = Table(file, mode, columns)
    with closing(records(package, table.name, diagnostics)) as found:
        table.is_sound = _read_rows(table, found, diagnostics, advance)
    if not table.rows and table.is_sound:
        diagnostics.error(
            table.name,
            None,
            "",
            "table.missing_data_rows",
            "The file has a header and no rows. Declare it absent in manifest.csv instead.",
        )
        table.is_sound = False
    advance(len(table.rows) % 1000)
    return table


def _read_rows(
    table: Table,
    found: Iterator[Record],
    diagnostics: Diagnostics,
    advance: Callable[[int], None],
) -> bool:
    """Fill ``table``; return whether every row was read."""
    header = next(found, None)
    places = (
        read_header(table.file, table.columns, table.mode, header[1], diagnostics)
        if header
        else None
    )
    if header is None or places is None:
        return False
    reader = _RowReader(table, places, len(header[1]), diagnostics)
    for number, record in enumerate(found, start=1):
        reader.read(record)
        if number % 1000 == 0:
            advance(1000)
    return reader.is_sound and not diagnostics.is_cut_short(table.name)


class _RowReader:
    def __init__(
        self, table: Table, places: tuple[Place, ...], width: int, diagnostics: Diagnostics
    ) -> None:
        self._table = table
        self._places = places
        self._width = width
        self._diagnostics = diagnostics
        self._cells = Cells(table.name, diagnostics)
        self._index = {place.column.name: at for at, place in enumerate(places)}
        self.is_sound = True

    def read(self, record: Record) -> None:
        number, fields = record
        if len(fields) != self._width:
            self._error(
                number,
                "",
                "table.row_width_mismatch",
                f"The row has {len(fields)} fields, the header {self._width}.",
            )
            return
        self._cells.row = number
        cells = tuple([self._cell(place, fields) for place in self._places])
        row = Row(number, cells, self._index)
        self._check_required(row, fields)
        self._check_mode(row)
        if row.key:
            self._table.rows.append(row)

    def _cell(self, place: Place, fields: list[str]) -> str:
        if place.position is None:
            return ""
        value = fields[place.position]
        return self._cells.read(place.column, value) if value else ""

    def _check_required(self, row: Row, fields: list[str]) -> None:
        for place in self._places:
            if (
                place.column.required
                and place.position is not None
                and not fields[place.position].strip()
                and not (row.is_leaving and place.column.name != KEY)
            ):
                self._error(
                    row.number,
                    place.column.name,
                    "row.missing_required_value",
                    "A value is needed.",
                )

    def _check_mode(self, row: Row) -> None:
        name, number = self._table.name, row.number
        for column in (STATUS, MODIFIED):
            if self._table.mode == "bulk" and row[column]:
                self._diagnostics.deviation(
                    name,
                    number,
                    column,
                    "row.field_forbidden_in_bulk",
                    "Must be blank in a bulk file"
                    + ("; the row was taken as not listed." if row.is_leaving else "."),
                )
            if self._table.mode == "delta" and not row[column]:
                self._diagnostics.deviation(
                    name,
                    number,
                    column,
                    "row.field_required_in_delta",
                    "Needed in a delta file; a blank status was read as active.",
                )

    def _error(self, row: int, column: str, code: str, message: str) -> None:
        self._diagnostics.error(self._table.name, row, column, code, message)
        # What a row lacks may be what another refers to.
        if code == "table.row_width_mismatch" or column == KEY:
            self.is_sound = False
