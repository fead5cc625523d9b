"""A CFPackage from a file, in CASE 1.0 or 1.1."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from competencies.case.associations import read_associations
from competencies.case.fields import read_fields
from competencies.case.findings import Findings, pointer
from competencies.case.nodes import read_document, read_items
from competencies.case.reading import read_json
from competencies.case.shapes import DEFINITIONS, PACKAGE_KEYS, RUBRIC
from competencies.case.values import Package

_SINGLE = ("CFItem", "CFAssociation", "CFDocuments", "CFRubric", "CFItemTypes", "CFSubjects")


def _no_progress() -> None:
    pass


def read_package(
    path: Path,
    findings: Findings,
    *,
    strict: bool = False,
    advance: Callable[[], None] = _no_progress,
) -> Package:
    """
    Return the framework in the file; what was tolerated is in ``findings``.

    ``advance`` is called for each item and association read. When ``strict``, deviations from
    the standard are errors.

    :raises ImportRefused: with everything that is wrong with the file.
    """
    root = _root(read_json(path, findings), findings)
    document = read_document(root, findings)
    _read_definitions(root, findings)
    nodes = read_items(_list(root, "CFItems", findings), document, findings, advance)
    if not nodes.items:
        findings.deviation("no_items", pointer("CFItems"))
    edges, links = read_associations(
        _list(root, "CFAssociations", findings), nodes, findings, advance
    )
    findings.check(strict=strict)
    names = {node: item.name for node, item in nodes.items.items()}
    return Package(document, tuple(nodes.items.values()), edges, links, names)


def _root(value: Any, findings: Findings) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise findings.refuse("not_case", found="none, it is a list or a single value")
    if "CFDocument" not in value and isinstance(value.get("CFPackage"), dict):
        findings.deviation("wrapped", pointer("CFPackage"), "CFPackage")
        findings.root = pointer("CFPackage")
        value = value["CFPackage"]
    root: dict[str, Any] = value
    if "CFDocument" not in root:
        raise _not_a_package(root, findings)
    for key in root:
        if key not in PACKAGE_KEYS:
            findings.deviation("unknown_key", pointer(key), f"CFPackage.{key}")
    return root


def _not_a_package(value: dict[str, Any], findings: Findings) -> Exception:
    """Say what this is instead, as far as its keys tell."""
    if "lsDoc" in value or "lsItems" in value:
        return findings.refuse("pre_case")
    if "imsx_codeMajor" in value:
        found = str(value.get("imsx_description") or value["imsx_codeMajor"])[:200]
        return findings.refuse("error_answer", found=found)
    if "CFItems" in value or "CFAssociations" in value:
        return findings.refuse("no_document")
    for key in _SINGLE:
        if key in value:
            return findings.refuse("single_resource", found=key)
    if "fullStatement" in value or "CFPackageURI" in value:
        return findings.refuse("single_resource", found="one object")
    return findings.refuse("not_case", found=", ".join(list(value)[:8]) or "none")


def _list(root: dict[str, Any], key: str, findings: Findings) -> list[Any]:
    value = root.get(key)
    if value is None:
        if key in root:
            findings.deviation("null", pointer(key), key)
        return []
    if not isinstance(value, list):
        findings.error("wrong_type", pointer(key), expected="A list", found="another value")
        return []
    return value


def _read_definitions(root: dict[str, Any], findings: Findings) -> None:
    """Look through what is kept and not used, so that its deviations are told too."""
    place, definitions = pointer("CFDefinitions"), root.get("CFDefinitions")
    if definitions == []:
        findings.deviation("list_for_object", place, "CFDefinitions")
    elif isinstance(definitions, dict):
        read_fields(definitions, DEFINITIONS, place, findings)
    elif "CFDefinitions" in root:
        code = "null" if definitions is None else "unusable_value"
        findings.deviation(code, place, "CFDefinitions")
    for index, rubric in enumerate(_list(root, "CFRubrics", findings)):
        at = pointer("CFRubrics", index)
        if isinstance(rubric, dict):
            read_fields(rubric, RUBRIC, at, findings)
        else:
            findings.deviation("unusable_value", at, "CFRubrics")


__all__ = ["read_package"]
