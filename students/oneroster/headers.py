"""Which column stands where: headers as the standard writes them, and as sources do."""

from dataclasses import dataclass

from students.oneroster.columns import METADATA, MISSPELT, MISSPELT_IN, PREFIX, Column
from students.oneroster.diagnostics import Diagnostics
from students.oneroster.manifest import Mode
from students.oneroster.package import SUFFIX
from students.oneroster.records import MAX_COLUMNS


@dataclass(frozen=True, slots=True)
class Place:
    """Where a column's values stand in the file; None where the file leaves the column out."""

    column: Column
    position: int | None


@dataclass(frozen=True, slots=True)
class _Header:
    """The file whose header is read, and the columns that it should have."""

    file: str
    columns: tuple[Column, ...]
    mode: Mode

    @property
    def name(self) -> str:
        return f"{self.file}{SUFFIX}"


def read_header(
    file: str,
    columns: tuple[Column, ...],
    mode: Mode,
    header: list[str],
    diagnostics: Diagnostics,
) -> tuple[Place, ...] | None:
    """Return where each column stands, metadata columns last by name; None if it cannot be told."""
    at = _Header(file, columns, mode)
    if len(header) > MAX_COLUMNS:
        diagnostics.error(
            at.name, 1, "", "table.too_many_columns", f"More than {MAX_COLUMNS} columns."
        )
        return None
    known = {column.name: column for column in at.columns}
    found: dict[str, int] = {}
    is_clear = True
    for position, written in enumerate(header):
        name = _header_name(at, written, known, diagnostics)
        if name is None:
            continue
        if name in found:
            diagnostics.error(
                at.name, 1, name, "table.duplicate_header", "The column is there twice."
            )
            is_clear = False
        found[name] = position
    is_clear &= _check_missing(at, found, diagnostics)
    _check_order(at, header, found, diagnostics)
    if not is_clear:
        return None
    places = [Place(column, found.get(column.name)) for column in at.columns]
    extra = sorted(name for name in found if name not in known)
    return (*places, *(Place(Column(name), found[name]) for name in extra))


def _header_name(
    at: _Header, written: str, known: dict[str, Column], diagnostics: Diagnostics
) -> str | None:
    """Return the column that a header means, or None for one that is ignored."""
    if written in known or (written.startswith(METADATA) and len(written) > len(METADATA)):
        return written
    stripped = written.strip()
    aliases = {**MISSPELT, **MISSPELT_IN.get(at.file, {})}
    meant = aliases.get(stripped)
    if meant not in known:
        folded = stripped.casefold()
        meant = next((name for name in known if name.casefold() == folded), None)
    if meant is not None:
        diagnostics.deviation(
            at.name, 1, meant, "schema.misspelt_header", f"“{written}” was read as “{meant}”."
        )
        return meant
    diagnostics.deviation(
        at.name,
        1,
        stripped[:60],
        "schema.extra_column",
        "The standard has no such column; it was ignored. Name it metadata.… to have it kept.",
    )
    return None


def _check_missing(at: _Header, found: dict[str, int], diagnostics: Diagnostics) -> bool:
    is_complete = True
    for column in at.columns:
        if column.name in found:
            continue
        if column.required:
            is_complete = False
            diagnostics.error(
                at.name, 1, column.name, "schema.missing_header", "The column is not there."
            )
        elif column.name not in PREFIX or at.mode == "delta":
            diagnostics.deviation(
                at.name,
                1,
                column.name,
                "schema.missing_header",
                "The column is not there; read as blank.",
            )
    return is_complete


def _check_order(
    at: _Header, header: list[str], found: dict[str, int], diagnostics: Diagnostics
) -> None:
    standard = [found[column.name] for column in at.columns if column.name in found]
    if standard != sorted(standard):
        diagnostics.deviation(
            at.name,
            1,
            "",
            "schema.header_order_mismatch",
            "The columns are not in the standard's order; read by name.",
        )
    extras = [at for at, name in enumerate(header) if name.startswith(METADATA)]
    if extras and standard and min(extras) < max(standard):
        diagnostics.deviation(
            at.name,
            1,
            "",
            "schema.metadata_column_position",
            "metadata columns stand at the right end; read by name.",
        )
