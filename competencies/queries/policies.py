"""Which policy version judges a competency, from when: the nearest place wins."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from competencies.models import Competency, PolicyPlacement, PolicyVersion

DEFAULT_POLICY = "two-in-a-row"


@dataclass(frozen=True, slots=True)
class InForce:
    """A version judges a competency from ``starts_at`` on (None: since ever)."""

    starts_at: datetime | None
    version_id: int
    recompute: bool
    placed_by: int | None


# How near a placement is to a competency: lower is nearer.
Place = tuple[int, int]
_COMPETENCY, _SUBTREE, _FRAMEWORK, _DISTRICT = range(4)


def policy_timelines(
    district_id: int, competency_ids: Collection[int]
) -> dict[int, tuple[InForce, ...]]:
    """
    Return for each competency the versions that judge it in a district, in order of start.

    The first entry is always there: what nothing was placed on is judged by the preset *Two in
    a row*. Three queries, or four where a subtree has a placement.
    """
    placements = list(
        PolicyPlacement.objects.filter(district_id=district_id).order_by("starts_at", "id")
    )
    default = default_version_id()
    if not placements:
        return {c: (InForce(None, default, False, None),) for c in competency_ids}
    frameworks = dict(
        Competency.objects.filter(pk__in=competency_ids).values_list("pk", "framework_id")
    )
    ancestors = _ancestors(placements, competency_ids)
    return {
        competency: tuple(
            _timeline(_candidates(placements, competency, framework, ancestors), default)
        )
        for competency, framework in frameworks.items()
    }


def default_version_id() -> int:
    """Return the newest version of the preset that judges where nothing is placed. One query."""
    return (
        PolicyVersion.objects.filter(policy__district=None, policy__code=DEFAULT_POLICY)
        .order_by("-number")
        .values_list("pk", flat=True)[0]
    )


def version_on(timeline: Sequence[InForce], before: datetime) -> int:
    """
    Return the version for work done on the day that ends at ``before``.

    Work from before the first placement is judged by what was in force then, which is the
    timeline's first entry.
    """
    return next(
        entry.version_id
        for entry in reversed(timeline)
        if entry.starts_at is None or entry.starts_at < before
    )


def _ancestors(
    placements: Iterable[PolicyPlacement], competency_ids: Collection[int]
) -> Mapping[int, Mapping[int, int]]:
    if not any(placement.subtree for placement in placements):
        return defaultdict(dict)
    return ancestor_distances(competency_ids)


def ancestor_distances(competency_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """Return for each competency its ancestors now with the shortest way up; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE up (start, node, distance) AS (
                SELECT child_id, parent_id, 1 FROM competencies_parentedge
                WHERE child_id = ANY(%s) AND parent_id IS NOT NULL AND until IS NULL
                UNION
                SELECT up.start, edge.parent_id, up.distance + 1
                FROM up JOIN competencies_parentedge edge ON edge.child_id = up.node
                WHERE edge.parent_id IS NOT NULL AND edge.until IS NULL)
            SELECT start, node, min(distance) FROM up GROUP BY start, node
            """,
            [list(competency_ids)],
        )
        found: dict[int, dict[int, int]] = defaultdict(dict)
        for start, node, distance in cursor.fetchall():
            found[start][node] = distance
    return found


def descendants(competency_ids: Collection[int]) -> set[int]:
    """Return everything below ``competency_ids`` now, these themselves left out; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE down (node) AS (
                SELECT child_id FROM competencies_parentedge
                WHERE parent_id = ANY(%s) AND until IS NULL
                UNION
                SELECT edge.child_id FROM down
                JOIN competencies_parentedge edge ON edge.parent_id = down.node
                WHERE edge.until IS NULL)
            SELECT node FROM down
            """,
            [list(competency_ids)],
        )
        return {node for (node,) in cursor.fetchall()}


def _candidates(
    placements: Iterable[PolicyPlacement],
    competency: int,
    framework: int,
    ancestors: Mapping[int, Mapping[int, int]],
) -> list[tuple[Place, PolicyPlacement]]:
    found = []
    for placement in placements:
        place = _place(placement, competency, framework, ancestors.get(competency, {}))
        if place is not None:
            found.append((place, placement))
    return found


def _place(
    placement: PolicyPlacement, competency: int, framework: int, ancestors: Mapping[int, int]
) -> Place | None:
    if placement.competency_id is not None:
        if not placement.subtree:
            return (_COMPETENCY, 0) if placement.competency_id == competency else None
        if placement.competency_id == competency:
            return (_SUBTREE, 0)
        distance = ancestors.get(placement.competency_id)
        return None if distance is None else (_SUBTREE, distance)
    if placement.framework_id is not None:
        return (_FRAMEWORK, 0) if placement.framework_id == framework else None
    return (_DISTRICT, 0)


def _timeline(
    candidates: Sequence[tuple[Place, PolicyPlacement]], default: int
) -> Iterable[InForce]:
    yield InForce(None, default, False, None)
    nearest: tuple[Place, PolicyPlacement] | None = None
    for place, placement in candidates:  # in order of start
        # A later one supersedes at the same place; a farther one never displaces a nearer.
        if nearest is None or place <= nearest[0]:
            nearest = (place, placement)
            yield InForce(
                placement.starts_at,
                placement.version_id,
                placement.mode == PolicyPlacement.Mode.RECOMPUTE,
                placement.placed_by_id,
            )
