"""A package on disk as a roster of checked rows, or every reason why it is none."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from students.oneroster import rules
from students.oneroster.columns import FILES, TABLES, Version
from students.oneroster.diagnostics import Diagnostics
from students.oneroster.known import Held
from students.oneroster.manifest import Manifest, read_manifest
from students.oneroster.package import Package, opened
from students.oneroster.tables import Table, read_table


@dataclass(frozen=True, slots=True)
class Roster:
    """The files of a package that are read, by name; those declared absent are not there."""

    version: Version
    manifest: Manifest
    tables: dict[str, Table]

    def rows(self) -> int:
        """Return how many rows there are to write; in 1.1 a user's is about one role too."""
        implied = len(self.tables["users"].rows) if self._implies_roles else 0
        return sum(len(table.rows) for table in self.tables.values()) + implied

    @property
    def _implies_roles(self) -> bool:
        return self.version == "1.1" and "users" in self.tables


def read_roster(
    path: Path,
    *,
    held: Held,
    diagnostics: Diagnostics,
    advance: Callable[[int], None],
) -> Roster:
    """
    Read and check the package at ``path``; nothing is concluded from a file that is broken.

    ``held`` is what a delta may refer to; ``advance`` is told how many rows were read. Holds all
    rows in memory, about 0.3 kB each. Warnings are in ``diagnostics`` afterwards.

    :raises ImportRefused: with every problem found, if there is any error.
    """
    with opened(path, diagnostics) as package:
        manifest = read_manifest(package, diagnostics)
        tables = _read_tables(package, manifest, diagnostics, advance)
    rules.check(tables, manifest.mode, held, diagnostics)
    diagnostics.refuse_errors()
    return Roster(manifest.version, manifest, tables)


def _read_tables(
    package: Package,
    manifest: Manifest,
    diagnostics: Diagnostics,
    advance: Callable[[int], None],
) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    wanted = TABLES[manifest.version]
    for file, columns in wanted.items():
        mode = manifest.mode(file)
        if mode != "absent":
            tables[file] = read_table(package, file, columns, mode, diagnostics, advance)
    for file in FILES[manifest.version]:
        if file not in wanted and manifest.mode(file) != "absent":
            diagnostics.warn(
                f"{file}.csv", None, "", "package.file_not_read", "This file is not imported."
            )
    return tables
