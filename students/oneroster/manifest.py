"""``manifest.csv``: which version, and which files are complete, changes only, or not there."""

from dataclasses import dataclass
from typing import Literal, cast

from students.oneroster.columns import FILES, VERSIONS, Version
from students.oneroster.diagnostics import Diagnostics
from students.oneroster.package import SUFFIX, Package
from students.oneroster.records import records

Mode = Literal["absent", "bulk", "delta"]

NAME = "manifest.csv"
HEADER = ("propertyName", "value")
MANIFEST_VERSION = "1.0"
MODES = ("absent", "bulk", "delta")


@dataclass(frozen=True, slots=True)
class Manifest:
    version: Version
    modes: dict[str, Mode]  # by file, without .csv
    system: str = ""

    def mode(self, file: str) -> Mode:
        return self.modes.get(file, "absent")


def read_manifest(package: Package, diagnostics: Diagnostics) -> Manifest:
    """
    Read the manifest and hold it against the files there are.

    :raises ImportRefused: without a manifest that names a version we read.
    """
    if NAME not in package.names:
        raise diagnostics.refuse(
            NAME,
            "package.missing_manifest",
            "The package has no manifest.csv, so it is not known which files are complete.",
        )
    values = _properties(package, diagnostics)
    version = _version(values, diagnostics)
    modes = _modes(values, version, package, diagnostics)
    _check_unknown(package, version, diagnostics)
    return Manifest(version, modes, values.get("source.systemName", ""))


def _properties(package: Package, diagnostics: Diagnostics) -> dict[str, str]:
    values: dict[str, str] = {}
    for row, fields in records(package, NAME, diagnostics):
        if row == 1:
            if tuple(field.strip() for field in fields) != HEADER:
                diagnostics.error(
                    NAME, 1, "", "table.missing_header", "The header must be propertyName,value."
                )
            continue
        if len(fields) != len(HEADER):
            diagnostics.error(
                NAME, row, "", "table.row_width_mismatch", "The row must have two fields."
            )
            continue
        name, value = (field.strip() for field in fields)
        if name in values:
            diagnostics.error(
                NAME, row, "propertyName", "manifest.duplicate_property", f"{name} is given twice."
            )
        values[name] = value
    diagnostics.refuse_errors()
    return values


def _version(values: dict[str, str], diagnostics: Diagnostics) -> Version:
    if values.get("manifest.version") != MANIFEST_VERSION:
        diagnostics.deviation(
            NAME, None, "", "manifest.missing_property", "manifest.version must be 1.0."
        )
    written = values.get("oneroster.version", "")
    for version in VERSIONS:
        if written == version:
            return version
        if written.startswith(f"{version}."):
            diagnostics.deviation(
                NAME,
                None,
                "oneroster.version",
                "manifest.invalid_oneroster_version",
                f"Version {written} was read as {version}.",
            )
            return version
    raise diagnostics.refuse(
        NAME,
        "manifest.invalid_oneroster_version",
        "oneroster.version must be 1.1 or 1.2; export the roster in one of these.",
    )


def _modes(
    values: dict[str, str], version: Version, package: Package, diagnostics: Diagnostics
) -> dict[str, Mode]:
    modes: dict[str, Mode] = {}
    for file in FILES[version]:
        mode = _mode(file, values.get(f"file.{file}"), package, diagnostics)
        if mode is not None:
            modes[file] = mode
    for name in values:
        if name.startswith("file.") and name[5:] not in FILES[version]:
            diagnostics.warn(
                NAME,
                None,
                name,
                "manifest.file_unexpected",
                f"OneRoster {version} has no such file; ignored.",
            )
    return modes


def _mode(
    file: str, written: str | None, package: Package, diagnostics: Diagnostics
) -> Mode | None:
    is_there = f"{file}{SUFFIX}" in package.names
    column = f"file.{file}"
    if written is None:
        if is_there:
            diagnostics.error(
                NAME,
                None,
                column,
                "manifest.missing_property",
                f"{file}.csv is there, but the manifest does not say if it is bulk or delta.",
            )
        else:
            diagnostics.deviation(
                NAME, None, column, "manifest.missing_property", "Not named; taken as absent."
            )
        return None
    mode = written.casefold()
    if mode not in MODES:
        diagnostics.error(
            NAME,
            None,
            column,
            "manifest.invalid_file_mode",
            f"“{written[:40]}” is not one of: absent, bulk, delta.",
        )
        return None
    if mode == "absent" and is_there:
        diagnostics.deviation(
            NAME,
            None,
            column,
            "manifest.file_unexpected",
            f"{file}.csv is there, but declared absent; it was not read.",
        )
    if mode != "absent" and not is_there:
        diagnostics.error(
            NAME,
            None,
            column,
            "manifest.file_missing",
            f"Declared {mode}, but {file}.csv is not in the package.",
        )
        return None
    return cast("Mode", mode)


def _check_unknown(package: Package, version: Version, diagnostics: Diagnostics) -> None:
    known = {NAME, *(f"{file}{SUFFIX}" for file in FILES[version])}
    for name in package.names:
        if name not in known:
            diagnostics.warn(
                name,
                None,
                "",
                "package.unknown_file",
                f"OneRoster {version} has no file of this name; it was not read.",
            )
