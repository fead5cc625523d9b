"""A file of evidence on disk: what it is, its records, its fingerprint."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from students.oneroster.diagnostics import Diagnostics
from students.oneroster.records import Record, records

Print = Callable[[str], None]


class Streamed(Diagnostics):
    """Problems that are printed as they are found, so that a bad file needs no memory."""

    def __init__(self, stream: Print) -> None:
        super().__init__("tolerant")
        self.errors = 0
        self._stream = stream

    @property
    def has_errors(self) -> bool:
        return self.errors > 0

    def error(self, file: str, row: int | None, column: str, code: str, message: str) -> None:
        super().error(file, row, column, code, message)
        self.errors += 1
        self._stream(str(self._problems.pop()))


class EvidenceFile:
    """One CSV file, as the package that the reader of rosters expects."""

    def __init__(self, path: Path, diagnostics: Streamed) -> None:
        self.path = path
        self.names = (path.name,)
        self.diagnostics = diagnostics

    def open(self, _name: str) -> IO[bytes]:
        return self.path.open("rb")

    def records(self) -> Iterator[Record]:
        """Yield the records, the header as row 1; says what the file is if it is no CSV."""
        return records(self, self.path.name, self.diagnostics)

    def measure(self) -> tuple[int, str]:
        """Return how many lines it has after the header, and its SHA-256; reads it once."""
        digest, lines = hashlib.sha256(), 0
        with self.path.open("rb") as raw:
            while block := raw.read(1 << 20):
                digest.update(block)
                lines += block.count(b"\n")
        return max(lines - 1, 0), digest.hexdigest()
