"""Loading a framework: what is new is made, what is gone is retired, nothing is deleted."""

import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from competencies import permissions
from competencies.case.cycles import find_cycle
from competencies.case.findings import Findings
from competencies.case.rated import is_rated, plain_type
from competencies.case.values import Document, Edge, Item, Link, Package
from competencies.models import Association, Competency, Framework, ParentEdge, Prerequisite
from competencies.queries.clock import database_clock
from competencies.queries.tree import dependences
from competencies.signals import tree_changed
from students.models import District, HistoryEntry, User
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
_DOCUMENT_COLUMNS = (
    "external_id", "uri", "title", "creator", "publisher", "description", "version",
    "adoption_status", "language", "official_source_url", "licence", "last_change", "source",
)  # fmt: skip
_LINK_COLUMNS = ("kind", "origin", "destination", "source")

Pair = tuple[uuid.UUID, uuid.UUID | None]


def _no_progress(_rows: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Wishes:
    """
    How a framework is loaded.

    ``rated`` are the item types that evidence is rated on; without it
    :func:`competencies.case.rated.is_rated` decides for items that are new, and the others stay
    as they are. With ``prerequisites`` each ``precedes`` association between two items makes the
    second require the first.
    """

    rated: Collection[str] | None = None
    prerequisites: bool = False
    dry_run: bool = False


@transaction.atomic
def import_framework(
    *,
    actor: User | None,
    package: Package,
    findings: Findings,
    district: District | None = None,
    wishes: Wishes = Wishes(),
    advance: Callable[[int], None] = _no_progress,
) -> Summary:
    """
    Make the stored framework what ``package`` says; return what was, or would be, done.

    Without a district it is shared by all. Items no longer listed are retired, and come back
    when they are listed again; links are ended and made anew, never rewritten. Loading the same
    package again writes nothing. Holds a lock on the framework's row to the end. About ten
    queries and one for each 500 rows written; announces ``tree_changed`` once.

    :raises PermissionDenied: if ``actor`` may not edit the framework.
    :raises ImportRefused: if the package cannot take the place of what is stored.
    """
    permissions.check_can_edit_framework(actor, framework_district=district, at=database_clock())
    rated = _check_rated(wishes, package, findings)
    stored = _Stored(*_locked(package.document, district, dry_run=wishes.dry_run))
    _check_same_framework(stored, package, findings)
    plan = _Plan(stored, package, rated=rated, prerequisites=wishes.prerequisites)
    _check_acyclic(stored, package, plan, findings)
    if not wishes.dry_run:
        at = database_clock()
        plan.apply(at=at, actor=actor, advance=advance)
        _remember(actor, stored.framework, plan, at)
        if changed := plan.competencies_decided_otherwise():
            tree_changed.send(sender=Framework, competency_ids=changed)
    return plan.summary


def _check_rated(wishes: Wishes, package: Package, findings: Findings) -> frozenset[str] | None:
    if wishes.rated is None:
        return None
    types = {plain_type(item.kind): item.kind for item in package.items if item.kind}
    for name in wishes.rated:
        if plain_type(name) not in types:
            shown = ", ".join(sorted(types.values())) or "none"
            raise findings.refuse("unknown_item_type", found=name, types=shown)
    return frozenset(plain_type(name) for name in wishes.rated)


def _locked(
    document: Document, district: District | None, *, dry_run: bool
) -> tuple[Framework, bool]:
    """Return the framework, locked, and whether it is new. Of two who begin at once one waits."""
    rows = Framework.objects.select_for_update(no_key=True).filter(
        district=district, identifier=document.identifier
    )
    found = rows.first()
    if found is not None:
        return found, False
    new = Framework(
        district=district,
        identifier=document.identifier,
        **{column: getattr(document, column) for column in _DOCUMENT_COLUMNS},
    )
    if dry_run:
        return new, True
    Framework.objects.bulk_create([new], ignore_conflicts=True)
    return rows.get(), True


@dataclass(slots=True)
class _Stored:
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


class _Plan:
    """What has to be written, found by comparing. Writes nothing before :meth:`apply`."""

    def __init__(
        self,
        stored: _Stored,
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
        changed = _take(self.framework, self.package.document, _DOCUMENT_COLUMNS)
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
        columns = _DOCUMENT_COLUMNS if self.framework_changed else ()
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
        """Return what ``tree_changed`` announces, once the plan was applied. One query or none."""
        changed = self._parents_with_other_children() | self._parents_rated_otherwise()
        changed |= {row.competency_id for row in self.prerequisites_to_end}
        changed |= {self.rows[after].pk for after, _ in self.prerequisites_to_make}
        if moved := [row.pk for row in (*self.retired, *self.returned)]:
            requiring = Prerequisite.objects.filter(requires__in=moved, until__isnull=True)
            changed |= set(requiring.values_list("competency_id", flat=True))
        return frozenset(changed)

    def _parents_with_other_children(self) -> set[int]:
        before, after = set(self.stored.edges), {(e.child, e.parent) for e in self.package.edges}
        return {self.rows[parent].pk for _, parent in before ^ after if parent is not None}

    def _parents_rated_otherwise(self) -> set[int]:
        parents = {edge.parent for edge in self.package.edges}
        return {row.pk for row in self.rated_otherwise if row.identifier in parents}


def _check_same_framework(stored: _Stored, package: Package, findings: Findings) -> None:
    """Refuse another framework under the identifier of this one: it would retire everything."""
    live = stored.live
    if live and not live.keys() & {item.identifier for item in package.items}:
        title = stored.framework.title
        raise findings.refuse(
            "other_framework", "/CFDocument/identifier", title=title, number=len(live)
        )


def _check_acyclic(stored: _Stored, package: Package, plan: _Plan, findings: Findings) -> None:
    """Refuse a tree that with the prerequisites, also those made here, makes a loop. One query."""
    keys: dict[int, uuid.UUID] = {row.pk: key for key, row in stored.competencies.items()}
    ended = {(row.competency_id, row.requires_id) for row in plan.prerequisites_to_end}
    graph: dict[uuid.UUID | int, list[uuid.UUID | int]] = {}
    for link in dependences(keys):
        is_own_edge = link.framework_id == stored.framework.pk
        if not is_own_edge and (link.competency_id, link.on_id) not in ended:
            of = keys.get(link.competency_id, link.competency_id)
            graph.setdefault(of, []).append(keys.get(link.on_id, link.on_id))
    for edge in package.edges:
        if edge.parent is not None:
            graph.setdefault(edge.parent, []).append(edge.child)
    for after, before in plan.prerequisites_to_make:
        graph.setdefault(after, []).append(before)
    if (cycle := find_cycle(graph)) is not None:
        path = " → ".join(_names((*cycle, cycle[0]), stored, package))
        raise findings.refuse("prerequisite_cycle", "/CFAssociations", path=path)


def _names(nodes: Iterable[uuid.UUID | int], stored: _Stored, package: Package) -> Iterable[str]:
    for node in nodes:
        if isinstance(node, int):
            yield str(Competency.objects.get(pk=node))
        else:
            yield package.names.get(node) or str(stored.competencies[node])


def _remember(actor: User | None, framework: Framework, plan: _Plan, at: datetime) -> None:
    """History belongs to a district; a shared framework says itself when it was loaded."""
    if framework.district_id is None or plan.is_empty:
        return
    HistoryEntry.objects.create(
        district_id=framework.district_id,
        at=at,
        actor=actor,
        action="import_framework",
        object_type="framework",
        object_id=framework.pk,
        after=plan.summary.as_dict(),
    )


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


__all__ = ["CHILDREN", "ITEMS", "LINKS", "PREREQUISITES", "Wishes", "import_framework"]
