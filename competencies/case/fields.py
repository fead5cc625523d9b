"""One object of a package by its shape: what can be used of it, what had to be tolerated."""

import re
from collections.abc import Callable
from typing import Any

from competencies.case.findings import Findings, pointer
from competencies.case.identifiers import identify
from competencies.case.shapes import ALIASES, CLASSES, Shape

Reader = Callable[[Any, str, str, Findings, str], Any]

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATETIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ]\d\d:\d\d(:\d\d([.,]\d+)?)?([Zz]|[+-]\d\d:?\d\d)?")


def read_fields(
    raw: dict[str, Any], shape: Shape, place: str, findings: Findings
) -> dict[str, Any]:
    """
    Return the usable fields of one object, under the standard's names.

    A field that is absent, null, or of a type that cannot be read, is not in the answer.
    Texts keep no carriage returns; a link is a dict with the keys that it had. Adds a
    deviation for everything that the standard does not allow.
    """
    used: dict[str, Any] = {}
    for key, value in raw.items():
        name = _name(key, raw, shape, place, findings)
        if name is None:
            continue
        at, subject = place + pointer(key), f"{shape.name}.{name}"
        if value is None:
            findings.deviation("null", at, subject)
            continue
        if shape.fields[name] == "any":
            used[name] = value
            continue
        read: Reader = _READERS.get(shape.fields[name], _read_list_of_class)
        usable = read(value, at, subject, findings, shape.fields[name])
        if usable is not None:
            used[name] = usable
    for name in shape.required:
        if name not in used and name not in raw:
            findings.deviation("missing_field", place, f"{shape.name}.{name}")
    return used


def _name(
    key: str, raw: dict[str, Any], shape: Shape, place: str, findings: Findings
) -> str | None:
    """Return the standard's name of a key, or None where it is not to be used."""
    if key in shape.fields:
        return key
    name = ALIASES.get(key)
    if name in shape.fields and name not in raw:
        findings.deviation("alias", place + pointer(key), f"{key} stands for {name}")
        return name
    findings.deviation("unknown_key", place + pointer(key), f"{shape.name}.{key}")
    return None


# Readers: (value, place, subject, findings, type) → what is usable, or None.


def _read_text(value: Any, at: str, subject: str, findings: Findings, _type: str) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        findings.deviation("number_for_text", at, subject)
        return str(value)
    if not isinstance(value, str):
        findings.deviation("unusable_value", at, subject)
        return None
    if "\r" in value:
        findings.deviation("carriage_returns", at, subject)
        return value.replace("\r\n", "\n").replace("\r", "\n")
    return value


def _read_id(value: Any, at: str, subject: str, findings: Findings, type_: str) -> str | None:
    text = _read_text(value, at, subject, findings, type_)
    if text is None or not text.strip():
        return None
    if deviation := identify(text, within="").deviation:
        findings.deviation(deviation, at, subject.partition(".")[0])
    return text


def _read_datetime(value: Any, at: str, subject: str, findings: Findings, type_: str) -> str | None:
    text = _read_text(value, at, subject, findings, type_)
    if text is None:
        return None
    found = _DATETIME.fullmatch(text)
    if found is None:
        findings.deviation("not_a_time", at, subject)
    elif not found[4]:
        findings.deviation("no_zone", at, subject)
    return text


def _read_date(value: Any, at: str, subject: str, findings: Findings, type_: str) -> str | None:
    text = _read_text(value, at, subject, findings, type_)
    if text is not None and not _DATE.fullmatch(text):
        is_time = _DATETIME.fullmatch(text)
        findings.deviation("datetime_for_date" if is_time else "not_a_date", at, subject)
    return text


def _read_number(
    value: Any, at: str, subject: str, findings: Findings, type_: str
) -> int | float | None:
    number = _number(value) if isinstance(value, str) else value
    if (
        not isinstance(number, int | float)
        or isinstance(number, bool)
        or (type_ == "integer" and number != int(number))
    ):
        findings.deviation("unusable_value", at, subject)
        return None
    if isinstance(value, str):
        findings.deviation("text_for_number", at, subject)
    return int(number) if type_ == "integer" else number


def _number(text: str) -> int | float | None:
    plain = text.strip()
    if re.fullmatch(r"-?\d{1,15}", plain):
        return int(plain)
    return float(plain) if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", plain) else None


def _read_texts(
    value: Any, at: str, subject: str, findings: Findings, type_: str
) -> list[str] | None:
    if not isinstance(value, list):
        findings.deviation("scalar_for_list", at, subject)
        value = [value]
    read = (
        _read_text(each, at + pointer(index), subject, findings, type_)
        for index, each in enumerate(value)
        if each is not None
    )
    return [text for text in read if text is not None]


def _read_link(
    value: Any, at: str, subject: str, findings: Findings, type_: str
) -> dict[str, str] | None:
    if isinstance(value, str):
        findings.deviation("string_for_link", at, subject)
        return {"uri": value}
    if not isinstance(value, dict):
        findings.deviation("unusable_value", at, subject)
        return None
    link: dict[str, str] = {}
    for key in ("title", "identifier", "uri"):
        if value.get(key) is None:
            code = "null" if key in value else "incomplete_link"
            findings.deviation(code, at, f"{subject}.{key}" if key in value else subject)
            continue
        read = _read_id if key == "identifier" and type_ != "node" else _read_text
        text = read(value[key], at + pointer(key), f"{subject}.{key}", findings, type_)
        if text:
            link[key] = text
    return link


def _read_links(
    value: Any, at: str, subject: str, findings: Findings, _type: str
) -> list[dict[str, str]] | None:
    if not isinstance(value, list):
        findings.deviation("scalar_for_list", at, subject)
        value = [value]
    read = (
        _read_link(each, at + pointer(index), subject, findings, "link")
        for index, each in enumerate(value)
    )
    return [link for link in read if link is not None]


def _read_list_of_class(
    value: Any, at: str, subject: str, findings: Findings, type_: str
) -> list[dict[str, Any]] | None:
    if not isinstance(value, list):
        findings.deviation("unusable_value", at, subject)
        return None
    shape = CLASSES[type_.strip("[]")]
    read = []
    for index, each in enumerate(value):
        if isinstance(each, dict):
            read.append(read_fields(each, shape, at + pointer(index), findings))
        else:
            findings.deviation("unusable_value", at + pointer(index), subject)
    return read


_READERS: dict[str, Reader] = {
    "id": _read_id,
    "text": _read_text,
    "texts": _read_texts,
    "date": _read_date,
    "datetime": _read_datetime,
    "integer": _read_number,
    "number": _read_number,
    "link": _read_link,
    "node": _read_link,
    "links": _read_links,
}

__all__ = ["read_fields"]
