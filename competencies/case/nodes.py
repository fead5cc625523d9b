"""The document and the items: everything that an association can link."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from competencies.case.fields import read_fields
from competencies.case.findings import Findings, pointer
from competencies.case.identifiers import Identity, identify
from competencies.case.shapes import DOCUMENT, ITEM
from competencies.case.values import Document, Item

LONGEST_IDENTIFIER = 500
# Where there is no fullStatement, the first of these that there is.
_STATEMENTS = ("abbreviatedStatement", "alternativeLabel", "humanCodingScheme")


def read_document(root: dict[str, Any], findings: Findings) -> Document:
    """
    Return what framework the package holds.

    :raises ImportRefused: if it has no identifier or no title.
    """
    place, raw = pointer("CFDocument"), root["CFDocument"]
    if not isinstance(raw, dict):
        raise findings.refuse("wrong_type", place, expected="An object", found=_type(raw))
    fields = read_fields(raw, DOCUMENT, place, findings)
    identity = _identity(fields, place, within="", findings=findings)
    if not fields.get("title"):
        findings.error("missing", place, field="The title of the framework")
    findings.check()
    assert identity is not None
    cut = _Cut(fields, "CFDocument", place, findings)
    return Document(
        identifier=identity.uuid,
        external_id=identity.external_id,
        uri=cut("uri", 1000),
        title=cut("title", 500),
        creator=cut("creator", 500),
        publisher=cut("publisher", 500),
        description=fields.get("description", ""),
        version=cut("version", 100),
        adoption_status=cut("adoptionStatus", 100),
        language=cut("language", 20),
        official_source_url=cut("officialSourceURL", 1000),
        licence=_licence(fields, root),
        last_change=cut("lastChangeDateTime", 40),
        source={key: root[key] for key in root if key not in ("CFItems", "CFAssociations")},
    )


def _licence(fields: dict[str, Any], root: dict[str, Any]) -> dict[str, str]:
    """Return the licence that the document names, with its text where the package has it."""
    link = fields.get("licenseURI")
    if not link:
        return {}
    licence = {key: link[key] for key in ("title", "uri") if key in link}
    definitions = root.get("CFDefinitions")
    known = definitions.get("CFLicenses") if isinstance(definitions, dict) else None
    for each in known if isinstance(known, list) else ():
        if isinstance(each, dict) and each.get("identifier") == link.get("identifier"):
            for key, name in (("title", "title"), ("licenseText", "text")):
                if isinstance(each.get(key), str):
                    licence[name] = each[key]
    return licence


@dataclass(slots=True)
class Nodes:
    """The items by UUID, in the order of the file, and how an association may name them."""

    document: Document
    items: dict[uuid.UUID, Item] = field(default_factory=dict)
    by_uri: dict[str, uuid.UUID] = field(default_factory=dict)

    def __contains__(self, node: uuid.UUID | None) -> bool:
        return node in self.items or node == self.document.identifier

    def name(self, node: uuid.UUID) -> str:
        return self.items[node].name if node in self.items else self.document.title


def read_items(
    raws: list[Any], document: Document, findings: Findings, advance: Callable[[], None]
) -> Nodes:
    """Return the nodes of the package; adds an error for each item that cannot be used."""
    nodes = Nodes(document, by_uri={document.uri: document.identifier} if document.uri else {})
    within = document.external_id or str(document.identifier)
    for index, raw in enumerate(raws):
        place = pointer("CFItems", index)
        if isinstance(raw, dict):
            item = _read_item(raw, place, within, findings)
            if item is not None and _is_new(item, nodes, findings):
                nodes.items[item.identifier] = item
                if item.uri:
                    nodes.by_uri.setdefault(item.uri, item.identifier)
        else:
            findings.error("wrong_type", place, expected="An item", found=_type(raw))
        advance()
    return nodes


def _is_new(item: Item, nodes: Nodes, findings: Findings) -> bool:
    if item.identifier == nodes.document.identifier:
        findings.error("document_id_clash", item.place, other=f"the item {item.name}")
        return False
    earlier = nodes.items.get(item.identifier)
    if earlier is None:
        return True
    if earlier.source == item.source:
        findings.deviation("repeated", item.place, "item")
    else:
        written = item.source["identifier"]
        findings.error(
            "duplicate_identifier",
            item.place,
            identifier=written,
            other=findings.root + earlier.place,
        )
    return False


def _read_item(raw: dict[str, Any], place: str, within: str, findings: Findings) -> Item | None:
    fields = read_fields(raw, ITEM, place, findings)
    identity = _identity(fields, place, within=within, findings=findings)
    statement = _statement(fields, place, findings)
    if identity is None or not statement:
        return None
    cut = _Cut(fields, "CFItem", place, findings)
    return Item(
        identifier=identity.uuid,
        external_id=identity.external_id,
        uri=fields.get("uri", ""),
        code=cut("humanCodingScheme", 200),
        statement=statement,
        abbreviated_statement=fields.get("abbreviatedStatement", ""),
        kind=cut("CFItemType", 200) or fields.get("CFItemTypeURI", {}).get("title", "")[:200],
        list_enumeration=cut("listEnumeration", 100),
        grade_levels=_grades(fields.get("educationLevel", ())),
        notes=fields.get("notes", ""),
        language=cut("language", 20),
        last_change=cut("lastChangeDateTime", 40),
        source=raw,
        place=place,
    )


def _statement(fields: dict[str, Any], place: str, findings: Findings) -> str:
    if fields.get("fullStatement", "").strip():
        return str(fields["fullStatement"])
    for name in _STATEMENTS:
        if fields.get(name, "").strip():
            findings.deviation("statement_replaced", place, name)
            return str(fields[name])
    findings.error("missing", place, field="The statement of the item (fullStatement)")
    return ""


def _grades(levels: list[str]) -> tuple[str, ...]:
    """Return each grade once; some files write several in one text."""
    parts = (part.strip()[:20] for level in levels for part in level.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def _identity(
    fields: dict[str, Any], place: str, *, within: str, findings: Findings
) -> Identity | None:
    return read_identity(fields.get("identifier"), place, within=within, findings=findings)


def read_identity(
    text: str | None, place: str, *, within: str, findings: Findings
) -> Identity | None:
    """Return what ``text`` identifies; adds an error and returns None where it cannot."""
    if text is None:
        findings.error("missing", place, field="The identifier")
        return None
    if len(text) > LONGEST_IDENTIFIER:
        at = place + pointer("identifier")
        findings.error("identifier_too_long", at, limit=LONGEST_IDENTIFIER)
        return None
    return identify(text, within=within)


@dataclass(frozen=True, slots=True)
class _Cut:
    """Texts no longer than their column."""

    fields: dict[str, Any]
    shape: str
    place: str
    findings: Findings

    def __call__(self, name: str, length: int) -> str:
        text = str(self.fields.get(name, ""))
        if len(text) > length:
            self.findings.deviation("shortened", self.place + pointer(name), f"{self.shape}.{name}")
        return text[:length]


def _type(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "a text", type(None): "null"}.get(
        type(value), "a number or boolean"
    )


__all__ = ["Nodes", "read_document", "read_identity", "read_items"]
