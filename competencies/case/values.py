"""A package as the product uses it: plain values, identifiers as UUIDs, order settled."""

import uuid
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Document:
    """What framework it is. ``source`` is the whole package but its items and associations."""

    identifier: uuid.UUID
    external_id: str
    uri: str
    title: str
    creator: str
    publisher: str
    description: str
    version: str
    adoption_status: str
    language: str
    official_source_url: str
    licence: dict[str, str]  # title, text, uri: those that are known
    last_change: str  # as its source wrote it
    source: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One item. ``source`` is the object as it came, ``place`` its JSON pointer."""

    identifier: uuid.UUID
    external_id: str
    uri: str
    code: str
    statement: str
    abbreviated_statement: str
    kind: str
    list_enumeration: str
    grade_levels: tuple[str, ...]
    notes: str
    language: str
    last_change: str
    source: dict[str, Any]
    place: str

    @property
    def name(self) -> str:
        """Return what a person knows it by."""
        return self.code or self.statement[:60]


@dataclass(frozen=True, slots=True)
class Edge:
    """``child`` is part of ``parent``, or of the framework itself where that is None."""

    child: uuid.UUID
    parent: uuid.UUID | None
    position: int  # ascending among the children of one parent
    identifier: uuid.UUID
    source: dict[str, Any]  # empty where no association said so
    place: str


@dataclass(frozen=True, slots=True)
class Link:
    """Any other association. An end is a UUID where it names a node, else as it was written."""

    identifier: uuid.UUID
    kind: str
    origin: str
    destination: str
    source: dict[str, Any]
    place: str


@dataclass(frozen=True, slots=True)
class Package:
    document: Document
    items: tuple[Item, ...]
    edges: tuple[Edge, ...]
    links: tuple[Link, ...]
    names: dict[uuid.UUID, str] = field(default_factory=dict)

    @property
    def precedes(self) -> tuple[tuple[uuid.UUID, uuid.UUID, str], ...]:
        """
        Return (competency, what it requires, place) of each ``precedes`` inside the package.

        The origin precedes the destination, so the destination requires the origin.
        """
        found: dict[tuple[uuid.UUID, uuid.UUID], str] = {}
        known = {str(item.identifier): item.identifier for item in self.items}
        for link in self.links:
            before, after = known.get(link.origin), known.get(link.destination)
            if link.kind == "precedes" and before and after and before != after:
                found.setdefault((after, before), link.place)
        return tuple((*pair, place) for pair, place in found.items())


__all__ = ["Document", "Edge", "Item", "Link", "Package"]
