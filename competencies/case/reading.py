"""From a file to JSON values that can be stored, or a refusal that says what the file is."""

import json
import math
from pathlib import Path
from typing import Any

from competencies.case.findings import Findings, pointer

LIMIT_BYTES = 200_000_000
DEEPEST = 64  # the standard itself needs nine levels
_BOM = b"\xef\xbb\xbf"


class _RepeatedKey(ValueError):
    pass


class _NotFinite(ValueError):
    pass


def read_json(path: Path, findings: Findings) -> Any:
    """
    Return the JSON value in the file.

    :raises ImportRefused: if it is missing, too large, no JSON in UTF-8, nested too deep, or
        holds text that PostgreSQL cannot store.
    """
    value = _parse(_decode(_read(path, findings), findings), findings)
    _check_can_be_stored(value, findings)
    findings.check()
    return value


def _read(path: Path, findings: Findings) -> bytes:
    if path.is_dir():
        raise findings.refuse("file_is_folder")
    try:
        with path.open("rb") as file:
            content = file.read(LIMIT_BYTES + 1)
    except FileNotFoundError:
        raise findings.refuse("file_missing") from None
    except OSError as problem:
        raise findings.refuse("file_unreadable", why=problem.strerror) from None
    if len(content) > LIMIT_BYTES:
        raise findings.refuse("file_too_large", limit=LIMIT_BYTES // 1_000_000)
    return content


def _decode(content: bytes, findings: Findings) -> str:
    for magic, name in ((b"PK\x03\x04", "ZIP or Excel"), (b"\x1f\x8b", "gzip")):
        if content.startswith(magic):
            raise findings.refuse("not_json_zip", found=name)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:4]:
        raise findings.refuse("encoding", found="UTF-16 or UTF-32")
    if content.startswith(_BOM):
        findings.deviation("byte_order_mark", "")
        content = content.removeprefix(_BOM)
    try:
        return content.decode()
    except UnicodeDecodeError as problem:
        raise findings.refuse("encoding", found=f"at byte {problem.start:,}") from None


def _parse(text: str, findings: Findings) -> Any:
    beginning = text[:2000].lstrip()
    if not beginning:
        raise findings.refuse("file_empty")
    if beginning.startswith("<"):
        raise findings.refuse("not_json_html")
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_float=_float, parse_constant=_constant
        )
    except RecursionError:
        raise findings.refuse("too_deep", limit=DEEPEST) from None
    except _RepeatedKey as problem:
        raise findings.refuse("repeated_key", key=str(problem)) from None
    except _NotFinite as problem:
        raise findings.refuse("number_not_finite", found=str(problem)) from None
    except json.JSONDecodeError as problem:
        if beginning[0] not in "{[" and any(mark in beginning.split("\n")[0] for mark in ",;\t"):
            raise findings.refuse("not_json_csv") from None
        why = f"{problem.msg}, line {problem.lineno}, column {problem.colno}"
        raise findings.refuse("not_json", why=why) from None
    except ValueError:  # a whole number of more digits than Python reads
        raise findings.refuse(
            "number_not_finite", found="A number of thousands of digits"
        ) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedKey(next(key for key in keys if keys.count(key) > 1))
    return made


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _NotFinite(text)
    return number


def _constant(text: str) -> float:
    raise _NotFinite(text)


def _check_can_be_stored(value: Any, findings: Findings) -> None:
    """Add an error for each text that PostgreSQL refuses. Walks by hand: depth is not trusted."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while waiting:
        steps, found = waiting.pop()
        if len(steps) > DEEPEST:
            raise findings.refuse("too_deep", limit=DEEPEST)
        if isinstance(found, str):
            _check_text(found, steps, findings)
        elif isinstance(found, list):
            waiting.extend(((*steps, index), each) for index, each in enumerate(found))
        elif isinstance(found, dict):
            for key, each in found.items():
                _check_text(key, steps, findings)
                waiting.append(((*steps, key), each))


def _check_text(text: str, steps: tuple[str | int, ...], findings: Findings) -> None:
    if "\0" in text:
        findings.error("nul_character", _printable(steps))
    try:
        text.encode()
    except UnicodeEncodeError:
        findings.error("lone_surrogate", _printable(steps))


def _printable(steps: tuple[str | int, ...]) -> str:
    return pointer(*steps).encode(errors="backslashreplace").decode().replace("\0", "\\0")


__all__ = ["DEEPEST", "LIMIT_BYTES", "read_json"]
