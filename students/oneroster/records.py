"""
From bytes to records: what the file really is, then CSV as RFC 4180 writes it.

A spreadsheet's ``;`` or UTF-16 is named as what it is and never read as one long column.
"""

import csv
import io
from collections.abc import Callable, Generator, Iterator
from typing import TextIO

from students.oneroster.diagnostics import Diagnostics
from students.oneroster.package import Package

MAX_COLUMNS = 200
_HEAD = 4096  # bytes looked at to tell what a file is

_UTF_8_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SIGNATURES = (
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a zip or a spreadsheet"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet"),
    (b"\x1f\x8b", "a compressed file"),
    (b"{", "JSON"),
    (b"[", "JSON"),
    (b"<", "HTML or XML"),
)

Record = tuple[int, list[str]]  # the row as a spreadsheet counts it, its fields


def records(package: Package, name: str, diagnostics: Diagnostics) -> Generator[Record, None, None]:
    """
    Yield every record of a file, the header first as row 1; blank lines are passed over.

    Ends early where the file cannot be read on, having said so.
    """
    with package.open(name) as raw:
        head = raw.read(_HEAD)
    if not _is_csv(head, name, diagnostics):
        return
    with (
        package.open(name) as raw,
        io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text,
    ):
        yield from _parsed(text, name, diagnostics)


def _is_csv(head: bytes, name: str, diagnostics: Diagnostics) -> bool:
    def no(code: str, message: str) -> bool:
        diagnostics.error(name, None, "", f"file.{code}", message)
        return False

    if head.startswith(_UTF_16) or _looks_like_utf_16(head):
        return no("utf16", "The file is UTF-16 text. Save it as “CSV UTF-8 (comma delimited)”.")
    if head.startswith(_UTF_8_BOM):
        head = head.removeprefix(_UTF_8_BOM)
        diagnostics.warn(
            name, None, "", "file.bom", "The file begins with a byte order mark; it was ignored."
        )
    if not head.strip():
        return no("empty", "The file is empty. Declare it absent in manifest.csv instead.")
    for signature, what in _SIGNATURES:
        if head.lstrip().startswith(signature):
            return no("wrong_file", f"This is {what}, not CSV. Give the CSV file.")
    if b"\0" in head:
        return no("wrong_file", "This is not text. Give the CSV file.")
    return _has_commas(head, no)


def _looks_like_utf_16(head: bytes) -> bool:
    # Latin letters in UTF-16 have a zero as every second byte.
    return len(head) >= 8 and (not any(head[0:8:2]) or not any(head[1:8:2]))


def _has_commas(head: bytes, no: Callable[[str, str], bool]) -> bool:
    line = head.splitlines()[0]
    for separator, called in ((b";", "semicolons"), (b"\t", "tabs"), (b"|", "bars")):
        if line.count(separator) > line.count(b","):
            return no(
                "separator",
                f"The columns are separated by {called}. Save it as “CSV UTF-8 (comma delimited)”.",
            )
    return True


def _parsed(text: TextIO, name: str, diagnostics: Diagnostics) -> Iterator[Record]:
    lines = _Lines(text, name, diagnostics)
    reader = csv.reader(lines, strict=True)
    row = 0
    while True:
        before = reader.line_num
        try:
            fields = next(reader, None)
        except csv.Error as error:
            diagnostics.error(name, row + 1, "", "file.quoting", _QUOTING.format(error=error))
            return
        except UnicodeDecodeError:
            diagnostics.error(
                name,
                row + 1,
                "",
                "file.encoding",
                "The file is not UTF-8 from here on. Save it as “CSV UTF-8 (comma delimited)”.",
            )
            return
        if fields is None:
            return
        row += 1
        if not fields:
            diagnostics.warn(name, row, "", "table.blank_row", "The row is blank; ignored.")
            continue
        if reader.line_num > before + 1:
            fields = _without_line_breaks(fields, name, row, diagnostics)
        yield row, fields


_QUOTING = (
    "The row's quotes do not match ({error}). Every field with a quote, a comma or a line break "
    "stands between quotes, and a quote inside it is written twice. The rest was not read."
)


def _without_line_breaks(
    fields: list[str], name: str, row: int, diagnostics: Diagnostics
) -> list[str]:
    diagnostics.deviation(
        name, row, "", "row.line_break", "A field holds a line break; read as a space."
    )
    return [" ".join(field.splitlines()) if "\n" in field else field for field in fields]


class _Lines:
    """The lines of a file with their ends, noting how the first one ends."""

    def __init__(self, text: TextIO, name: str, diagnostics: Diagnostics) -> None:
        self._text = text
        self._name = name
        self._diagnostics = diagnostics
        self._first = True

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._text)
        if self._first and line.endswith("\r\n"):
            self._diagnostics.warn(
                self._name, None, "", "file.crlf", "Lines end in CR LF; read as line ends."
            )
        self._first = False
        return line
