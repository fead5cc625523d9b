"""The associations: which make the tree, which are kept as links."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from competencies.case.cycles import find_cycle
from competencies.case.fields import read_fields
from competencies.case.findings import Findings, pointer
from competencies.case.identifiers import identify
from competencies.case.nodes import Nodes, read_identity
from competencies.case.order import SiblingKey, sibling_key
from competencies.case.shapes import ASSOCIATION, ASSOCIATION_TYPES
from competencies.case.values import Edge, Link

_SPELLINGS = {name.casefold(): name for name in ASSOCIATION_TYPES}
_EXTENSION = re.compile(r"ext:[A-Za-z0-9._-]+")
_LARGEST = 2**31 - 1  # of a position
_LONGEST_END = 1000
_CYCLES_TOLD = 10


@dataclass(frozen=True, slots=True)
class _End:
    """One end: the node that it names, if there is one in the package, and how to keep it."""

    node: uuid.UUID | None
    text: str


def read_associations(
    raws: list[Any], nodes: Nodes, findings: Findings, advance: Callable[[], None]
) -> tuple[tuple[Edge, ...], tuple[Link, ...]]:
    """
    Return the tree's edges, one at least for each item, and every other association.

    Adds an error for each association that cannot be used, and for each cycle.
    """
    reader = _Reader(nodes, findings)
    for index, raw in enumerate(raws):
        place = pointer("CFAssociations", index)
        if isinstance(raw, dict):
            reader.read(raw, place)
        else:
            findings.error("wrong_type", place, expected="An association", found="another value")
        advance()
    reader.attach_the_rest()
    edges = reader.in_order()
    _check_acyclic(edges, nodes, findings)
    return edges, tuple(reader.links)


class _Reader:
    def __init__(self, nodes: Nodes, findings: Findings) -> None:
        self.nodes = nodes
        self.findings = findings
        self.links: list[Link] = []
        self._seen: dict[uuid.UUID, tuple[dict[str, Any], str]] = {}
        self._edges: dict[tuple[uuid.UUID, uuid.UUID | None], tuple[Edge, int | None]] = {}
        document = nodes.document
        self._within = document.external_id or str(document.identifier)

    def read(self, raw: dict[str, Any], place: str) -> None:
        fields = read_fields(raw, ASSOCIATION, place, self.findings)
        identity = read_identity(
            fields.get("identifier"), place, within=self._within, findings=self.findings
        )
        kind = self._kind(fields, place)
        origin = self._end("origin", fields, raw, place)
        destination = self._end("destination", fields, raw, place)
        if identity is None or not kind or origin is None or destination is None:
            return
        if not self._is_new(identity.uuid, raw, place):
            return
        link = Link(identity.uuid, kind, origin.text, destination.text, raw, place)
        if kind != "isChildOf" or not self._add_edge(link, origin, destination, fields):
            self._note_ends(kind, origin, destination, place)
            self.links.append(link)

    def _kind(self, fields: dict[str, Any], place: str) -> str:
        written = str(fields.get("associationType", "")).strip()
        if not written:
            self.findings.error("missing", place, field="The associationType")
        if written in ASSOCIATION_TYPES or _EXTENSION.fullmatch(written) or not written:
            return written[:100]
        at = place + pointer("associationType")
        meant = _SPELLINGS.get(re.sub(r"[\s_-]", "", written).casefold())
        code = "association_type_spelling" if meant else "unknown_association_type"
        self.findings.deviation(code, at, written[:100])
        return meant or written[:100]

    def _end(
        self, which: str, fields: dict[str, Any], raw: dict[str, Any], place: str
    ) -> _End | None:
        link = fields.get(f"{which}NodeURI") or {}
        # Packages from before 1.0 was final say the identifier beside the link.
        beside = raw.get(f"{which}NodeIdentifier")
        name = link.get("identifier") or (beside if isinstance(beside, str) else "")
        uri = link.get("uri", "")
        if not name and not uri:
            self.findings.error("missing", place, field=f"The {which} ({which}NodeURI)")
            return None
        end = self._resolve(name, uri)
        if len(end.text) > _LONGEST_END:
            at = place + pointer(f"{which}NodeURI")
            self.findings.error("identifier_too_long", at, limit=_LONGEST_END)
            return None
        return end

    def _resolve(self, name: str, uri: str) -> _End:
        """Find the node by identifier, then by URI, then by the UUID at the end of the URI."""
        candidates = [identify(text, within=self._within) for text in (name, uri) if text]
        tail = identify(uri.rstrip("/").rsplit("/", 1)[-1], within=self._within) if uri else None
        if tail is not None and not tail.external_id:
            candidates.append(tail)
        known = [self.nodes.by_uri[uri]] if uri in self.nodes.by_uri else []
        for node in [each.uuid for each in candidates[:1]] + known:
            if node in self.nodes:
                return _End(node, str(node))
        for each in candidates[1:]:
            if each.uuid in self.nodes:
                return _End(each.uuid, str(each.uuid))
        plain = next((each for each in candidates if not each.external_id), None)
        return _End(None, str(plain.uuid) if plain else name or uri)

    def _is_new(self, identifier: uuid.UUID, raw: dict[str, Any], place: str) -> bool:
        earlier = self._seen.setdefault(identifier, (raw, place))
        if earlier[1] == place:
            return True
        if earlier[0] == raw:
            self.findings.deviation("repeated", place, "association")
        else:
            self.findings.error(
                "duplicate_identifier",
                place,
                identifier=raw.get("identifier"),
                other=self.findings.root + earlier[1],
            )
        return False

    def _add_edge(
        self, link: Link, origin: _End, destination: _End, fields: dict[str, Any]
    ) -> bool:
        """Make the edge that an isChildOf says; return False where it cannot be one."""
        document = self.nodes.document.identifier
        if origin.node == document:
            self.findings.deviation("document_is_child", link.place)
            return False
        if origin.node is None or destination.node is None or origin.node == destination.node:
            return False
        parent = None if destination.node == document else destination.node
        if (origin.node, parent) in self._edges:
            self.findings.deviation("repeated_edge", link.place)
            return False
        sequence = fields.get("sequenceNumber")
        if sequence is None:
            self.findings.deviation("no_sequence", link.place)
        elif abs(sequence) > _LARGEST:
            at = link.place + pointer("sequenceNumber")
            self.findings.deviation("unusable_value", at, "CFAssociation.sequenceNumber")
            sequence = None
        edge = Edge(origin.node, parent, 0, link.identifier, link.source, link.place)
        self._edges[origin.node, parent] = (edge, sequence)
        return True

    def _note_ends(self, kind: str, origin: _End, destination: _End, place: str) -> None:
        if origin.node is not None and origin.node == destination.node:
            self.findings.deviation("association_to_itself", place, kind)
        elif origin.node is None:
            self.findings.deviation("unknown_origin", place, kind)
        elif destination.node is None:
            self.findings.deviation("external_destination", place, kind)

    def attach_the_rest(self) -> None:
        """Hang the items that are part of nothing on the framework itself."""
        attached = {child for child, _ in self._edges}
        for node, item in self.nodes.items.items():
            if node not in attached:
                self.findings.deviation("no_parent", item.place)
                # The same identifier each time, so that loading again changes nothing.
                made = uuid.uuid5(node, f"isChildOf:{self.nodes.document.identifier}")
                self._edges[node, None] = (Edge(node, None, 0, made, {}, item.place), None)

    def in_order(self) -> tuple[Edge, ...]:
        """Return the edges as the file lists them, with the position of each."""
        index = {node: number for number, node in enumerate(self.nodes.items)}
        siblings: dict[uuid.UUID | None, list[tuple[SiblingKey, Edge, int | None]]] = {}
        for (child, parent), (edge, sequence) in self._edges.items():
            item = self.nodes.items[child]
            key = sibling_key(
                sequence,
                list_enumeration=item.list_enumeration,
                code=item.code,
                index=index[child],
            )
            siblings.setdefault(parent, []).append((key, edge, sequence))
        edges = (edge for group in siblings.values() for edge in _positioned(group))
        placed = {(edge.child, edge.parent): edge for edge in edges}
        return tuple(placed[pair] for pair in self._edges)


def _positioned(group: list[tuple[SiblingKey, Edge, int | None]]) -> list[Edge]:
    """Keep the file's own numbers where they tell every sibling apart, else count from 0."""
    group.sort(key=lambda each: each[0])
    numbers = [sequence for _, _, sequence in group if sequence is not None]
    if len(set(numbers)) < len(group):
        numbers = list(range(len(group)))
    return [
        replace(edge, position=number) for (_, edge, _), number in zip(group, numbers, strict=True)
    ]


def _check_acyclic(edges: tuple[Edge, ...], nodes: Nodes, findings: Findings) -> None:
    parts: dict[uuid.UUID, list[uuid.UUID]] = {}
    for edge in edges:
        if edge.parent is not None:
            parts.setdefault(edge.parent, []).append(edge.child)
    places = {(edge.parent, edge.child): edge.place for edge in edges}
    for _ in range(_CYCLES_TOLD):
        cycle = find_cycle(parts)
        if cycle is None:
            return
        path = " → ".join(nodes.name(node) for node in (*cycle, cycle[0]))
        closing = (cycle[-1], cycle[0])
        findings.error("cycle", places[closing], path=path)
        parts[closing[0]].remove(closing[1])


__all__ = ["read_associations"]
