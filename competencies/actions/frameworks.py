"""Loading a framework: what is new is made, what is gone is retired, nothing is deleted."""

import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from competencies import permissions
from competencies.actions.framework_plan import DOCUMENT_COLUMNS, Plan, Stored
from competencies.actions.prerequisites import lock_frameworks
from competencies.case.cycles import find_cycle
from competencies.case.findings import Findings
from competencies.case.rated import plain_type
from competencies.case.values import Document, Package
from competencies.models import Competency, Framework
from competencies.queries.clock import database_clock
from competencies.queries.tree import dependences
from competencies.signals import tree_changed
from students.actions.locks import lock_students
from students.models import District, HistoryEntry, Student, User
from students.problems import Summary


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
    package again writes nothing. Locks every framework to the end, and the students too where
    the framework is known already: their states may follow. About sixteen queries and one for
    each 500 rows written; announces ``tree_changed`` once.

    :raises PermissionDenied: if ``actor`` may not edit the framework.
    :raises ImportRefused: if the package cannot take the place of what is stored.
    """
    permissions.check_can_edit_framework(actor, framework_district=district, at=database_clock())
    rated = _check_rated(wishes, package, findings)
    stored = Stored(*_locked(package.document, district, dry_run=wishes.dry_run))
    _check_same_framework(stored, package, findings)
    plan = Plan(stored, package, rated=rated, prerequisites=wishes.prerequisites)
    _check_acyclic(stored, package, plan, findings)
    if not wishes.dry_run:
        at = _instant_of_change(stored, plan)
        plan.apply(at=at, actor=actor, advance=advance)
        _remember(actor, stored.framework, plan, at)
        if changed := plan.competencies_decided_otherwise():
            tree_changed.send(sender=Framework, competency_ids=changed)
    return plan.summary


def _instant_of_change(stored: Stored, plan: Plan) -> datetime:
    """
    Return the instant from which the tree is the new one, with nobody deciding by the old.

    A rating recorded after it must not have been rolled up by the old tree, so the students are
    locked first. A framework that nobody can have been rated on needs no lock.
    """
    if plan.is_empty or not stored.competencies:
        return database_clock()
    concerned = Student.objects.all()
    if stored.framework.district_id is not None:
        concerned = concerned.filter(district=stored.framework.district_id)
    return lock_students(concerned.values_list("pk", flat=True)).at


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
    if not dry_run:
        lock_frameworks()
    rows = Framework.objects.select_for_update(no_key=True).filter(
        district=district, identifier=document.identifier
    )
    found = rows.first()
    if found is not None:
        return found, False
    new = Framework(
        district=district,
        identifier=document.identifier,
        **{column: getattr(document, column) for column in DOCUMENT_COLUMNS},
    )
    if dry_run:
        return new, True
    Framework.objects.bulk_create([new], ignore_conflicts=True)
    return rows.get(), True


def _check_same_framework(stored: Stored, package: Package, findings: Findings) -> None:
    """Refuse another framework under the identifier of this one: it would retire everything."""
    live = stored.live
    if live and not live.keys() & {item.identifier for item in package.items}:
        title = stored.framework.title
        raise findings.refuse(
            "other_framework", "/CFDocument/identifier", title=title, number=len(live)
        )


def _check_acyclic(stored: Stored, package: Package, plan: Plan, findings: Findings) -> None:
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


def _names(nodes: Iterable[uuid.UUID | int], stored: Stored, package: Package) -> Iterable[str]:
    for node in nodes:
        if isinstance(node, int):
            yield str(Competency.objects.get(pk=node))
        else:
            yield package.names.get(node) or str(stored.competencies[node])


def _remember(actor: User | None, framework: Framework, plan: Plan, at: datetime) -> None:
    if plan.is_empty:
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


__all__ = ["Wishes", "import_framework"]
