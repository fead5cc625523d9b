"""
A package on disk: a folder of CSV files, or a zip that is looked at with suspicion.

A zip comes from outside. Its entry count, sizes and ratios are limited before anything is
unpacked, and nothing is ever unpacked to disk.
"""

import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from students.oneroster.diagnostics import Diagnostics

MAX_ENTRIES = 100  # the standard knows 22 files
MAX_BYTES = 2 * 1024**3  # all entries, unpacked
MAX_RATIO = 200  # unpacked to packed; rosters reach about 30
RATIO_FROM = 1024**2  # bytes; a small file may be as regular as it likes
SUFFIX = ".csv"

# What reading a damaged zip may raise.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


class Package(Protocol):
    """Files by name, all at one level."""

    @property
    def names(self) -> Sequence[str]: ...

    def open(self, name: str) -> IO[bytes]: ...


class Folder:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.names = tuple(
            sorted(
                entry.name
                for entry in path.iterdir()
                if entry.is_file() and not entry.name.startswith(".")
            )
        )

    def open(self, name: str) -> IO[bytes]:
        return (self._path / name).open("rb")


class Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.names = tuple(sorted(archive.namelist()))

    def open(self, name: str) -> IO[bytes]:
        return self._archive.open(name)


@contextmanager
def opened(path: Path, diagnostics: Diagnostics) -> Iterator[Package]:
    """
    Open the package at ``path``.

    :raises ImportRefused: if there is none, or if the zip is damaged or not safe to read.
    """
    if path.is_dir():
        yield Folder(path)
        return
    if not path.is_file():
        raise diagnostics.refuse(path.name, "package.not_found", "There is no such file or folder.")
    if not zipfile.is_zipfile(path):
        raise diagnostics.refuse(
            path.name,
            "package.not_a_zip",
            "This is neither a zip nor a folder. Give the OneRoster zip, or the folder with "
            "its CSV files.",
        )
    try:
        with zipfile.ZipFile(path) as archive:
            _check_zip(path.name, archive.infolist(), diagnostics)
            diagnostics.refuse_errors()
            yield Zip(archive)
    except DAMAGED as damage:
        raise diagnostics.refuse(
            path.name, "package.damaged", "The zip is damaged. Export or download it again."
        ) from damage


def _check_zip(label: str, entries: list[zipfile.ZipInfo], diagnostics: Diagnostics) -> None:
    if len(entries) > MAX_ENTRIES:
        diagnostics.error(
            label,
            None,
            "",
            "package.too_many_entries",
            f"The zip has {len(entries):,} entries; a roster has at most {MAX_ENTRIES}.",
        )
        return
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        diagnostics.error(
            label,
            None,
            "",
            "package.too_large",
            f"The zip unpacks to more than {MAX_BYTES // 1024**3} GiB and was not opened.",
        )
    seen: set[str] = set()
    for entry in entries:
        _check_entry(entry, diagnostics)
        if entry.filename in seen:
            diagnostics.error(
                entry.filename,
                None,
                "",
                "package.duplicate_file",
                "The zip holds this file twice.",
            )
        seen.add(entry.filename)


def _check_entry(entry: zipfile.ZipInfo, diagnostics: Diagnostics) -> None:
    def error(code: str, message: str) -> None:
        diagnostics.error(entry.filename, None, "", f"package.{code}", message)

    name = entry.orig_filename
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name:
        error("unsafe_path", "The zip names a file outside itself. Do not use this zip.")
    elif "/" in name or "\\" in name:
        error(
            "nested",
            "Files must lie at the top of the zip. Zip the CSV files themselves, not their folder.",
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        error("link", "The zip holds a link instead of a file. Zip the file itself.")
    if entry.flag_bits & 1:
        error("encrypted", "The file is encrypted. Make a zip without a password.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        error("compression", "The file is compressed in an unusual way. Make an ordinary zip.")
    if entry.file_size > RATIO_FROM and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
        error(
            "ratio",
            f"The file unpacks to more than {MAX_RATIO} times its packed size, as no roster does, "
            "and was not opened.",
        )
