"""What opens what: prerequisites are added and ended, never rewritten."""

from datetime import datetime

from django.db import transaction

from competencies import permissions
from competencies.case.cycles import find_cycle
from competencies.models import Competency, Framework, Prerequisite
from competencies.queries.clock import database_clock
from competencies.queries.tree import dependences
from competencies.signals import tree_changed
from students.actions.locks import lock_students
from students.models import HistoryEntry, Student, User


class PrerequisiteRefused(Exception):
    """The prerequisite cannot be. The message is fit to show and names the competencies."""


@transaction.atomic
def add_prerequisite(
    *, actor: User | None, competency: Competency, requires: Competency
) -> Prerequisite:
    """
    From now on mastering ``requires`` opens ``competency``; return the link.

    One that is there already is returned as it is. Locks every framework, so that no two people
    close a loop from its ends at once, through whatever frameworks it runs. Eight queries;
    announces ``tree_changed``.

    :raises PermissionDenied: if ``actor`` may not edit the framework of ``competency``.
    :raises PrerequisiteRefused: if either is retired, they belong to different districts, or
        one would come to depend on itself.
    """
    districts = lock_frameworks()
    _check_permission(actor, competency, districts)
    _check_can_be_linked(competency, requires, districts)
    existing = Prerequisite.objects.filter(
        competency=competency, requires=requires, until__isnull=True
    ).first()
    if existing is not None:
        return existing

    _check_acyclic(competency, requires)
    made = Prerequisite.objects.create(
        competency=competency, requires=requires, created_by=actor, since=_instant_of_change()
    )
    _remember(actor, "add_prerequisite", made, districts)
    _announce(made)
    return made


@transaction.atomic
def end_prerequisite(*, actor: User | None, prerequisite: Prerequisite) -> None:
    """
    From now on the link no longer holds; what it opened stays open.

    Ending one that has ended changes nothing. Locks as :func:`add_prerequisite` does.

    :raises PermissionDenied: if ``actor`` may not edit the framework of its competency.
    """
    districts = lock_frameworks()
    _check_permission(actor, prerequisite.competency, districts)
    ended = Prerequisite.objects.filter(pk=prerequisite.pk, until__isnull=True).update(
        until=_instant_of_change()
    )
    if ended:
        _remember(actor, "end_prerequisite", prerequisite, districts)
        _announce(prerequisite)


# framework id → the id of its district, None for one that all share.
Districts = dict[int, int | None]


def lock_frameworks() -> Districts:
    """Lock every framework, by ascending id; there are few. Whoever changes the tree does."""
    rows = Framework.objects.select_for_update(no_key=True).order_by("pk")
    return dict(rows.values_list("pk", "district_id"))


def _instant_of_change() -> datetime:
    """Return the instant of the change, with nobody opening anything by the old links after it."""
    return lock_students(Student.objects.values_list("pk", flat=True)).at


def _check_permission(actor: User | None, competency: Competency, districts: Districts) -> None:
    # The framework as its row is under the lock; its district is fetched only if it has one.
    shared = districts[competency.framework_id] is None
    permissions.check_can_edit_framework(
        actor,
        framework_district=None if shared else competency.framework.district,
        at=database_clock(),
    )


def _check_can_be_linked(
    competency: Competency, requires: Competency, districts: Districts
) -> None:
    retired = Competency.objects.filter(
        pk__in=[competency.pk, requires.pk], retired_at__isnull=False
    )
    if gone := retired.first():
        raise PrerequisiteRefused(f"{gone} is retired; choose a competency that is in use.")
    owner, other = districts[competency.framework_id], districts[requires.framework_id]
    if other is not None and other != owner:
        raise PrerequisiteRefused(
            f"{requires} belongs to one district alone, and {competency} is not of that "
            "district; choose a competency of a shared framework."
        )


def _check_acyclic(competency: Competency, requires: Competency) -> None:
    links = dependences([requires.pk])
    graph: dict[int, list[int]] = {competency.pk: [requires.pk]}
    for link in links:
        graph.setdefault(link.competency_id, []).append(link.on_id)
    if (cycle := find_cycle(graph)) is None:
        return
    rows = Competency.objects.in_bulk(cycle)
    first = cycle.index(competency.pk) if competency.pk in cycle else 0
    loop = (*cycle[first:], *cycle[:first], cycle[first])
    path = " → ".join(str(rows[each]) for each in loop)
    raise PrerequisiteRefused(
        f"A competency would depend on itself: {path}. A parent depends on its parts, a "
        "competency on what it requires; remove one of these links first."
    )


def _remember(actor: User | None, action: str, link: Prerequisite, districts: Districts) -> None:
    HistoryEntry.objects.create(
        district_id=districts[link.competency.framework_id],
        actor=actor,
        action=action,
        object_type="prerequisite",
        object_id=link.pk,
        after={"competency": link.competency_id, "requires": link.requires_id},
    )


def _announce(link: Prerequisite) -> None:
    tree_changed.send(sender=Prerequisite, competency_ids=frozenset({link.competency_id}))


__all__ = ["PrerequisiteRefused", "add_prerequisite", "end_prerequisite", "lock_frameworks"]
