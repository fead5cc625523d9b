"""A file as a table of checked rows."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

from students.oneroster.cells import Cells
from students.oneroster.columns import (
    KEY,
    METADATA,
    MISSPELT,
    MISSPELT_IN,
    MODIFIED,
    PREFIX,
    STATUS,
    Column,
)
from students.oneroster.diagnostics import Diagnostics
from students.oneroster.manifest import Mode
from students.oneroster.package import SUFFIX, Package
from students.oneroster.records import MAX_COLUMNS, Record, records

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
    places = _places(table, header[1], diagnostics) if header else None
    if header is None or places is None:
        return False
    reader = _RowReader(table, places, len(header[1]), diagnostics)
    for number, record in enumerate(found, start=1):
        reader.read(record)
        if number % 1000 == 0:
            advance(1000)
    return reader.is_sound and not diagnostics.is_cut_short(table.name)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a column's values stand in the file; None where the file leaves the column out."""

    column: Column
    position: int | None


class _RowReader:
    def __init__(
        self, table: Table, places: tuple[_Place, ...], width: int, diagnostics: Diagnostics
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

    def _cell(self, place: _Place, fields: list[str]) -> str:
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


def _places(table: Table, header: list[str], diagnostics: Diagnostics) -> tuple[_Place, ...] | None:
    """Return where each column stands, metadata columns last by name; None if it cannot be told."""
    if len(header) > MAX_COLUMNS:
        diagnostics.error(
            table.name, 1, "", "table.too_many_columns", f"More than {MAX_COLUMNS} columns."
        )
        return None
    known = {column.name: column for column in table.columns}
    found: dict[str, int] = {}
    is_clear = True
    for position, written in enumerate(header):
        name = _header_name(table, written, known, diagnostics)
        if name is None:
            continue
        if name in found:
            diagnostics.error(
                table.name, 1, name, "table.duplicate_header", "The column is there twice."
            )
            is_clear = False
        found[name] = position
    is_clear &= _check_missing(table, found, diagnostics)
    _check_order(table, header, found, diagnostics)
    if not is_clear:
        return None
    places = [_Place(column, found.get(column.name)) for column in table.columns]
    extra = sorted(name for name in found if name not in known)
    return (*places, *(_Place(Column(name), found[name]) for name in extra))


def _header_name(
    table: Table, written: str, known: dict[str, Column], diagnostics: Diagnostics
) -> str | None:
    """Return the column that a header means, or None for one that is ignored."""
    if written in known or (written.startswith(METADATA) and len(written) > len(METADATA)):
        return written
    stripped = written.strip()
    aliases = {**MISSPELT, **MISSPELT_IN.get(table.file, {})}
    meant = aliases.get(stripped)
    if meant not in known:
        folded = stripped.casefold()
        meant = next((name for name in known if name.casefold() == folded), None)
    if meant is not None:
        diagnostics.deviation(
            table.name, 1, meant, "schema.misspelt_header", f"“{written}” was read as “{meant}”."
        )
        return meant
    diagnostics.deviation(
        table.name,
        1,
        stripped[:60],
        "schema.extra_column",
        "The standard has no such column; it was ignored. Name it metadata.… to have it kept.",
    )
    return None


def _check_missing(table: Table, found: dict[str, int], diagnostics: Diagnostics) -> bool:
    is_complete = True
    for column in table.columns:
        if column.name in found:
            continue
        if column.required:
            is_complete = False
            diagnostics.error(
                table.name, 1, column.name, "schema.missing_header", "The column is not there."
            )
        elif column.name not in PREFIX or table.mode == "delta":
            diagnostics.deviation(
                table.name,
                1,
                column.name,
                "schema.missing_header",
                "The column is not there; read as blank.",
            )
    return is_complete


def _check_order(
    table: Table, header: list[str], found: dict[str, int], diagnostics: Diagnostics
) -> None:
    standard = [found[column.name] for column in table.columns if column.name in found]
    if standard != sorted(standard):
        diagnostics.deviation(
            table.name,
            1,
            "",
            "schema.header_order_mismatch",
            "The columns are not in the standard's order; read by name.",
        )
    extras = [at for at, name in enumerate(header) if name.startswith(METADATA)]
    if extras and standard and min(extras) < max(standard):
        diagnostics.deviation(
            table.name,
            1,
            "",
            "schema.metadata_column_position",
            "metadata columns stand at the right end; read by name.",
        )
