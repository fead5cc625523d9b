"""Put policy versions in force. A version in use never changes; a later one supersedes it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from competencies import permissions
from competencies.models import Competency, Framework, PolicyPlacement, PolicyVersion, RollupRule
from competencies.queries.tree import ancestors, descendants
from competencies.signals import policy_placed, rollup_changed
from students.actions.locks import Locked, lock_students
from students.models import District, HistoryEntry, Student, User


class PlacementRejected(Exception):
    """The policy cannot be placed there. The message is safe to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A competency, with or without what is below it, a framework, or the whole district."""

    framework: Framework | None = None
    competency: Competency | None = None
    subtree: bool = False


@transaction.atomic
def place_policy(
    *,
    actor: User | None,
    district: District,
    version: PolicyVersion,
    place: Place,
    starts_at: datetime | None = None,
    mode: str = PolicyPlacement.Mode.KEEP,
    reason: str = "",
) -> PolicyPlacement:
    """
    Put ``version`` in force at ``place`` from ``starts_at`` (None: now) on.

    Locks every student of the district, so that no rating is recorded by the old rule after
    the new one began. What it changes is announced and follows from the queue.

    :raises PermissionDenied: if ``actor`` may not place policies in the district.
    :raises PlacementRejected: for a start in the past, or a place at equal distance from a
        competency as another one.
    """
    locked = lock_all_students(district)
    permissions.check_can_place_policy(actor, district=district, at=locked.at)
    starts_at = starts_at or locked.at
    if starts_at < locked.at:
        raise PlacementRejected("A policy cannot begin in the past. Choose today or a later day.")
    if version.policy.district_id not in {None, district.pk}:
        raise PlacementRejected("That policy does not exist.")
    _check_is_ours(district, place.framework)
    _check_is_ours(district, place.competency.framework if place.competency else None)
    if place.subtree and place.competency is not None:
        _check_no_tie(district, place.competency)
    placement = PolicyPlacement.objects.create(
        district=district,
        version=version,
        framework=place.framework,
        competency=place.competency,
        subtree=place.subtree,
        mode=mode,
        starts_at=starts_at,
        recorded_at=locked.at,
        placed_by=actor,
        reason=reason,
    )
    _note(actor, district, "place_policy", placement.pk, {"version": version.pk, "mode": mode})
    policy_placed.send(sender=PolicyPlacement, locked=locked, placement=placement)
    return placement


@transaction.atomic
def set_rollup_rule(
    *,
    actor: User | None,
    district: District,
    competency: Competency,
    rule: str,
    k: int | None = None,
    children_decide: bool = True,
) -> RollupRule:
    """
    Say how the children of a competency decide it in a district, from now on.

    :raises PermissionDenied: if ``actor`` may not place policies in the district.
    :raises PlacementRejected: for *k of n* without a k that the children can reach.
    """
    locked = lock_all_students(district)
    permissions.check_can_place_policy(actor, district=district, at=locked.at)
    _check_is_ours(district, competency.framework)
    children = competency.child_edges.filter(until__isnull=True).count()
    if rule == RollupRule.Rule.K_OF_N and not 1 <= (k or 0) <= children:
        raise PlacementRejected(f"Choose how many of the {children} parts are needed, at least 1.")
    row = RollupRule.objects.create(
        district=district,
        competency=competency,
        rule=rule,
        k=k if rule == RollupRule.Rule.K_OF_N else None,
        children_decide=children_decide,
        recorded_at=locked.at,
        recorded_by=actor,
    )
    _note(actor, district, "set_rollup_rule", row.pk, {"rule": rule, "k": k})
    rollup_changed.send(
        sender=RollupRule, locked=locked, competency=competency, district_id=district.pk
    )
    return row


def lock_all_students(district: District) -> Locked:
    """Lock every student of a district: for what concerns them all at one instant."""
    return lock_students(Student.objects.filter(district=district).values_list("pk", flat=True))


def _check_is_ours(district: District, framework: Framework | None) -> None:
    if framework is not None and framework.district_id not in {None, district.pk}:
        raise PlacementRejected("That competency does not exist.")


def _check_no_tie(district: District, competency: Competency) -> None:
    """Refuse a subtree that meets another one at equal distance, with nothing nearer."""
    placed = PolicyPlacement.objects.filter(district=district, competency__isnull=False)
    subtrees = set(placed.filter(subtree=True).values_list("competency_id", flat=True))
    own_place = set(placed.values_list("competency_id", flat=True))
    rivals = subtrees - {competency.pk}
    if not rivals:
        return
    [below] = descendants([competency.pk]).values()
    nodes = {relative.competency_id for relative in below} - own_place
    for node, above in sorted(ancestors(nodes).items()):
        placed_or_this = subtrees | {competency.pk}
        near = {
            relative.competency_id: relative.distance
            for relative in above
            if relative.competency_id in placed_or_this
        }
        nearest = min(near.values())
        tied = [number for number in rivals & near.keys() if near[number] == nearest]
        if tied and near[competency.pk] == nearest:
            names = Competency.objects.in_bulk([node, tied[0]])
            raise PlacementRejected(
                f"{names[node]} would be equally near to {competency} and {names[tied[0]]}. "
                "Place a policy on that competency itself first."
            )


def _note(
    actor: User | None, district: District, action: str, number: int, after: dict[str, Any]
) -> None:
    HistoryEntry.objects.create(
        district=district,
        actor=actor,
        action=action,
        object_type="policy",
        object_id=number,
        after=after,
    )
