"""What a package changes in a stored framework: found by comparing, then written."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from competencies.case.rated import is_rated
from competencies.case.values import Edge, Item, Link, Package
from competencies.models import Association, Competency, Framework, ParentEdge, Prerequisite
from students.models import User
from students.problems import Summary

BATCH = 500  # rows a statement
ITEMS, CHILDREN, LINKS, PREREQUISITES = (
    "items",
    "isChildOf associations",
    "other associations",
    "prerequisites",
)
_ITEM_COLUMNS = (
    "external_id", "code", "statement", "abbreviated_statement", "kind", "list_enumeration",
    "grade_levels", "notes", "language", "last_change", "source",
)  # fmt: skip
DOCUMENT_COLUMNS = (
    "external_id", "uri", "title", "creator", "publisher", "description", "version",
    "adoption_status", "language", "official_source_url", "licence", "last_change", "source",
)  # fmt: skip
_LINK_COLUMNS = ("kind", "origin", "destination", "source")

Pair = tuple[uuid.UUID, uuid.UUID | None]


@dataclass(slots=True)
class Stored:
    """What the database holds of a framework, read under its lock. Three queries."""

    framework: Framework
    is_new: bool
    competencies: dict[uuid.UUID, Competency] = field(default_factory=dict)
    edges: dict[Pair, ParentEdge] = field(default_factory=dict)
    links: dict[uuid.UUID, Association] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.framework.pk is None:
            return
        rows = Competency.objects.filter(framework=self.framework)
        self.competencies = {row.identifier: row for row in rows}
        names = {row.pk: row.identifier for row in self.competencies.values()}
        for edge in ParentEdge.objects.filter(framework=self.framework, until__isnull=True):
            parent = None if edge.parent_id is None else names[edge.parent_id]
            self.edges[names[edge.child_id], parent] = edge
        links = Association.objects.filter(framework=self.framework)
        self.links = {row.identifier: row for row in links}

    @property
    def live(self) -> dict[uuid.UUID, Competency]:
        return {key: row for key, row in self.competencies.items() if row.retired_at is None}


class Plan:
    """What has to be written, found by comparing. Writes nothing before :meth:`apply`."""

    def __init__(
        self,
        stored: Stored,
        package: Package,
        *,
        rated: frozenset[str] | None,
        prerequisites: bool,
    ) -> None:
        self.stored = stored
        self.package = package
        self.framework = stored.framework
        self.summary = Summary()
        self.rows: dict[uuid.UUID, Competency] = dict(stored.competencies)
        self.items_to_write: list[Competency] = []
        self.retired: list[Competency] = []
        self.returned: list[Competency] = []
        self.rated_otherwise: list[Competency] = []
        self.edges_to_end: list[ParentEdge] = []
        self.edges_to_make: list[Edge] = []
        self.links_to_write: list[Association] = []
        self.links_to_delete: list[Association] = []
        self.prerequisites_to_end: list[Prerequisite] = []
        self.prerequisites_to_make: list[tuple[uuid.UUID, uuid.UUID]] = []
        self._plan_framework()
        self._plan_items(rated)
        self._plan_edges()
        if prerequisites:
            self._plan_prerequisites()
        self._plan_links()

    def _plan_framework(self) -> None:
        changed = _take(self.framework, self.package.document, DOCUMENT_COLUMNS)
        outcome = "created" if self.stored.is_new else "changed" if changed else "unchanged"
        self.summary.count(outcome, "framework")
        self.framework_changed = changed

    def _plan_items(self, rated: frozenset[str] | None) -> None:
        parents = {edge.parent for edge in self.package.edges}
        for item in self.package.items:
            wish = is_rated(item.kind, has_children=item.identifier in parents, chosen=rated)
            self.summary.count(self._plan_item(item, wish, chosen=rated is not None), ITEMS)
        listed = {item.identifier for item in self.package.items}
        self.retired = [row for key, row in self.stored.live.items() if key not in listed]
        self.summary.count("deactivated", ITEMS, len(self.retired))

    def _plan_item(self, item: Item, is_rated: bool, *, chosen: bool) -> str:
        """Compare one item with what is stored; return what happens to it."""
        row = self.rows.get(item.identifier)
        if row is None:
            row = Competency(
                framework=self.framework, identifier=item.identifier, is_rated=is_rated
            )
            _take(row, item, _ITEM_COLUMNS)
            self.rows[item.identifier] = row
            self.items_to_write.append(row)
            return "created"
        changed = _take(row, item, _ITEM_COLUMNS)
        if row.retired_at is not None:
            row.retired_at = None
            self.returned.append(row)
            changed = True
        if chosen and row.is_rated != is_rated:
            row.is_rated = is_rated
            self.rated_otherwise.append(row)
            changed = True
        if changed:
            self.items_to_write.append(row)
        return "changed" if changed else "unchanged"

    def _plan_edges(self) -> None:
        wanted = {(edge.child, edge.parent): edge for edge in self.package.edges}
        for pair, row in self.stored.edges.items():
            if pair not in wanted:
                self.edges_to_end.append(row)
                self.summary.count("deactivated", CHILDREN)
        for pair, edge in wanted.items():
            row_or_none = self.stored.edges.get(pair)
            if row_or_none is not None and _is_same_edge(row_or_none, edge):
                self.summary.count("unchanged", CHILDREN)
                continue
            if row_or_none is not None:
                self.edges_to_end.append(row_or_none)
            self.edges_to_make.append(edge)
            self.summary.count("created" if row_or_none is None else "changed", CHILDREN)

    def _plan_links(self) -> None:
        wanted = {link.identifier: link for link in self.package.links}
        for link in wanted.values():
            self.summary.count(self._plan_link(link), LINKS)
        gone = [row for key, row in self.stored.links.items() if key not in wanted]
        self.links_to_delete = gone
        self.summary.count("deactivated", LINKS, len(gone))

    def _plan_link(self, link: Link) -> str:
        row = self.stored.links.get(link.identifier)
        is_new = row is None
        if row is None:
            row = Association(framework=self.framework, identifier=link.identifier)
        if not _take(row, link, _LINK_COLUMNS):
            return "unchanged"
        self.links_to_write.append(row)
        return "created" if is_new else "changed"

    def _plan_prerequisites(self) -> None:
        """Follow the ``precedes`` associations; leave alone what no association ever said."""
        names = {row.pk: key for key, row in self.stored.competencies.items()}
        held = {
            (names[row.competency_id], names[row.requires_id]): row
            for row in Prerequisite.objects.filter(
                competency__in=names, requires__in=names, until__isnull=True
            )
        }
        said_before = {
            (row.destination, row.origin)
            for row in self.stored.links.values()
            if row.kind == "precedes"
        }
        wanted = {(after, before) for after, before, _ in self.package.precedes}
        self.prerequisites_to_make = [pair for pair in sorted(wanted) if pair not in held]
        self.prerequisites_to_end = [
            row
            for pair, row in held.items()
            if pair not in wanted and (str(pair[0]), str(pair[1])) in said_before
        ]
        self.summary.count("created", PREREQUISITES, len(self.prerequisites_to_make))
        self.summary.count("unchanged", PREREQUISITES, len(wanted & held.keys()))
        self.summary.count("deactivated", PREREQUISITES, len(self.prerequisites_to_end))

    @property
    def is_empty(self) -> bool:
        return not any(self.summary.total(o) for o in ("created", "changed", "deactivated"))

    def apply(self, *, at: datetime, actor: User | None, advance: Callable[[int], None]) -> None:
        if self.is_empty:
            return
        self._write_framework(at)
        self._write_items(at, advance)
        self._write_edges(at, advance)
        self._write_links()
        self._write_prerequisites(at, actor)

    def _write_framework(self, at: datetime) -> None:
        self.framework.imported_at = at
        columns = DOCUMENT_COLUMNS if self.framework_changed else ()
        self.framework.save(update_fields=["imported_at", *columns])

    def _write_items(self, at: datetime, advance: Callable[[int], None]) -> None:
        for batch in _batches(self.items_to_write):
            Competency.objects.bulk_create(
                batch,
                update_conflicts=True,
                unique_fields=["framework", "identifier"],
                update_fields=[*_ITEM_COLUMNS, "is_rated", "retired_at"],
            )
            advance(len(batch))
        ids = [row.pk for row in self.retired]
        Competency.objects.filter(pk__in=ids).update(retired_at=at)

    def _write_edges(self, at: datetime, advance: Callable[[int], None]) -> None:
        ended = [row.pk for row in self.edges_to_end]
        ParentEdge.objects.filter(pk__in=ended).update(until=at)
        for batch in _batches(self.edges_to_make):
            ParentEdge.objects.bulk_create(self._edge_row(edge, at) for edge in batch)
            advance(len(batch))

    def _edge_row(self, edge: Edge, at: datetime) -> ParentEdge:
        return ParentEdge(
            framework=self.framework,
            child=self.rows[edge.child],
            parent=None if edge.parent is None else self.rows[edge.parent],
            position=edge.position,
            identifier=edge.identifier,
            source=edge.source,
            since=at,
        )

    def _write_links(self) -> None:
        Association.objects.filter(pk__in=[row.pk for row in self.links_to_delete]).delete()
        Association.objects.bulk_create(
            self.links_to_write,
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=["framework", "identifier"],
            update_fields=_LINK_COLUMNS,
        )

    def _write_prerequisites(self, at: datetime, actor: User | None) -> None:
        ended = [row.pk for row in self.prerequisites_to_end]
        Prerequisite.objects.filter(pk__in=ended).update(until=at)
        Prerequisite.objects.bulk_create(
            Prerequisite(
                competency=self.rows[after], requires=self.rows[before], created_by=actor, since=at
            )
            for after, before in self.prerequisites_to_make
        )

    def competencies_decided_otherwise(self) -> frozenset[int]:
        """
        Return what ``tree_changed`` announces, once the plan was applied. One query or none.

        A link between two competencies that are both new concerns nobody's standing: the first
        load of a framework announces nothing, so that no student has to be locked for it.
        """
        changed = self._parents_with_other_children() | self._parents_rated_otherwise()
        changed |= {row.competency_id for row in self.prerequisites_to_end}
        changed |= {
            self.rows[after].pk
            for after, before in self.prerequisites_to_make
            if self._was_there(after, before)
        }
        if moved := [row.pk for row in (*self.retired, *self.returned)]:
            requiring = Prerequisite.objects.filter(requires__in=moved, until__isnull=True)
            changed |= set(requiring.values_list("competency_id", flat=True))
        return frozenset(changed)

    def _parents_with_other_children(self) -> set[int]:
        before, after = set(self.stored.edges), {(e.child, e.parent) for e in self.package.edges}
        return {
            self.rows[parent].pk
            for child, parent in before ^ after
            if parent is not None and self._was_there(child, parent)
        }

    def _was_there(self, *items: uuid.UUID) -> bool:
        return any(item in self.stored.competencies for item in items)

    def _parents_rated_otherwise(self) -> set[int]:
        parents = {edge.parent for edge in self.package.edges}
        return {row.pk for row in self.rated_otherwise if row.identifier in parents}


def _is_same_edge(row: ParentEdge, edge: Edge) -> bool:
    return (row.position, row.identifier, row.source) == (
        edge.position,
        edge.identifier,
        edge.source,
    )


def _take(row: Any, value: Any, columns: Iterable[str]) -> bool:
    """Set the columns of ``row`` as in ``value``; return whether any was different."""
    changed = False
    for column in columns:
        wanted = getattr(value, column)
        wanted = list(wanted) if isinstance(wanted, tuple) else wanted
        if getattr(row, column) != wanted:
            setattr(row, column, wanted)
            changed = True
    return changed


def _batches(rows: list[Any]) -> Iterable[list[Any]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


__all__ = ["DOCUMENT_COLUMNS", "Plan", "Stored"]
