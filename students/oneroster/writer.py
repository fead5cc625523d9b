"""
Writing a package: the standard's order and case, LF, no byte order mark, rows as given.

Values are written as they are: guarding against a spreadsheet's formulas would change them, and
these files are for systems. Equal rows give equal bytes, in a zip too.
"""

import csv
import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TextIO

from students.oneroster.columns import FILES, METADATA, TABLES, Version
from students.oneroster.manifest import HEADER, MANIFEST_VERSION, NAME
from students.oneroster.package import SUFFIX

# A zip's own times would make two equal exports differ.
_TIME = (1980, 1, 1, 0, 0, 0)


class ExportRefused(Exception):
    """The package cannot be written. The message is fit to show."""


class _Sink(Protocol):
    def put(self, name: str, path: Path) -> None: ...


def write_package(
    path: Path, version: Version, files: Mapping[str, Iterable[Mapping[str, str]]]
) -> dict[str, int]:
    """
    Write ``files`` to ``path``, a zip if it ends in .zip and a folder otherwise.

    A file's rows are mappings from column to text, in the order wanted, and are asked for once;
    a file without rows is declared absent. Nothing is left at ``path`` unless all is written.
    Only the owner of the process can read it. Returns the rows written, by file.

    :raises ExportRefused: if something is at ``path`` already.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise ExportRefused(f"{path} is there already. Name a new zip or folder.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as place:
        folder = Path(place) / "package"
        folder.mkdir(mode=0o700)
        counts = {
            file: _write_file(folder / f"{file}{SUFFIX}", version, file, rows)
            for file, rows in files.items()
        }
        _write_manifest(folder / NAME, version, counts)
        if path.suffix.casefold() == ".zip":
            _zip(folder, Path(place) / "package.zip")
            os.replace(Path(place) / "package.zip", path)
        else:
            if path.exists():
                path.rmdir()
            os.replace(folder, path)
    return counts


def _write_file(path: Path, version: Version, file: str, rows: Iterable[Mapping[str, str]]) -> int:
    """Write one file; the rows pass through a temporary one, to learn the metadata columns."""
    standard = [column.name for column in TABLES[version][file]]
    metadata: set[str] = set()
    count = 0
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as body:
        writer = csv.writer(body, lineterminator="\n")
        for row in rows:
            extra = sorted(name for name in row if name.startswith(METADATA) and row[name])
            metadata.update(extra)
            count += 1
            writer.writerow(
                [row.get(name, "") for name in standard]
                + [part for name in extra for part in (name, row[name])]
            )
        if not count:
            return 0
        body.seek(0)
        names = sorted(metadata)
        with _created(path) as out:
            final = csv.writer(out, lineterminator="\n")
            final.writerow([*standard, *names])
            width = len(standard)
            for fields in csv.reader(body):
                given = dict(zip(fields[width::2], fields[width + 1 :: 2], strict=True))
                final.writerow([*fields[:width], *(given.get(name, "") for name in names)])
    return count


def _write_manifest(path: Path, version: Version, counts: Mapping[str, int]) -> None:
    with _created(path) as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerow(("manifest.version", MANIFEST_VERSION))
        writer.writerow(("oneroster.version", version))
        for file in FILES[version]:
            writer.writerow((f"file.{file}", "bulk" if counts.get(file) else "absent"))
        writer.writerow(("source.systemName", "Cairn"))


@contextmanager
def _created(path: Path) -> Iterator[TextIO]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with io.open(descriptor, "w", encoding="utf-8", newline="") as out:  # noqa: UP020
        yield out


def _zip(folder: Path, path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with (
        os.fdopen(descriptor, "wb") as raw,
        zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for file in sorted(folder.iterdir()):
            info = zipfile.ZipInfo(file.name, _TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            with file.open("rb") as source, archive.open(info, "w") as target:
                shutil.copyfileobj(source, target)
