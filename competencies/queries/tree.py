"""
How competencies hang together at an instant: parts, wholes, and what is required.

A competency can be part of several; the same one is told once, at its shortest distance. ``at``
is None for now. A link is in force when ``since <= at < until``; retired competencies have no
parts and are parts of nothing, because their links end with them.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import connection
from django.db.models import Q

from competencies.models import ParentEdge, Prerequisite


@dataclass(frozen=True, slots=True)
class Relative:
    """A competency above or below another, by ``distance`` links."""

    competency_id: int
    distance: int


def children(
    competency_ids: Collection[int], *, at: datetime | None = None
) -> dict[int, tuple[int, ...]]:
    """Return for each competency its parts in their order, none where it has none. One query."""
    edges = ParentEdge.objects.filter(_in_force(at), parent__in=competency_ids)
    pairs = edges.order_by("position", "pk").values_list("parent_id", "child_id")
    return _grouped(competency_ids, pairs)


def parents(
    competency_ids: Collection[int], *, at: datetime | None = None
) -> dict[int, tuple[int, ...]]:
    """Return for each competency what it is directly part of, by id. One query."""
    edges = ParentEdge.objects.filter(_in_force(at), child__in=competency_ids, parent__isnull=False)
    return _grouped(competency_ids, edges.order_by("parent").values_list("child_id", "parent_id"))


def roots(framework_id: int, *, at: datetime | None = None) -> tuple[int, ...]:
    """Return the competencies at the top of a framework, in their order. One query."""
    edges = ParentEdge.objects.filter(_in_force(at), framework=framework_id, parent__isnull=True)
    return tuple(edges.order_by("position", "pk").values_list("child_id", flat=True))


def ancestors(
    competency_ids: Collection[int], *, at: datetime | None = None
) -> dict[int, tuple[Relative, ...]]:
    """Return for each competency everything it is part of, nearest first. One query."""
    return _relatives(competency_ids, at, of="child_id", to="parent_id")


def descendants(
    competency_ids: Collection[int], *, at: datetime | None = None
) -> dict[int, tuple[Relative, ...]]:
    """Return for each competency all its parts and their parts, nearest first. One query."""
    return _relatives(competency_ids, at, of="parent_id", to="child_id")


def prerequisites(
    competency_ids: Collection[int], *, at: datetime | None = None
) -> dict[int, tuple[int, ...]]:
    """Return for each competency what it requires, retired ones left out. One query."""
    links = Prerequisite.objects.filter(
        _in_force(at), competency__in=competency_ids, requires__retired_at__isnull=True
    )
    return _grouped(
        competency_ids, links.order_by("requires").values_list("competency_id", "requires_id")
    )


def opened_by(
    competency_ids: Collection[int], *, at: datetime | None = None
) -> dict[int, tuple[int, ...]]:
    """Return for each competency those that require it, retired ones left out. One query."""
    links = Prerequisite.objects.filter(
        _in_force(at), requires__in=competency_ids, competency__retired_at__isnull=True
    )
    return _grouped(
        competency_ids, links.order_by("competency").values_list("requires_id", "competency_id")
    )


@dataclass(frozen=True, slots=True)
class Dependence:
    """A parent depends on its part, a competency on what it requires (``framework_id`` None)."""

    competency_id: int
    on_id: int
    framework_id: int | None


def dependences(competency_ids: Iterable[int]) -> tuple[Dependence, ...]:
    """Return every live link that can be reached from these by what depends on what. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE reached (id) AS (
                SELECT unnest(%s::int[])
                UNION
                SELECT link.on_id FROM reached CROSS JOIN LATERAL (
                    SELECT child_id AS on_id FROM competencies_parentedge
                    WHERE parent_id = reached.id AND until IS NULL
                    UNION ALL
                    SELECT requires_id FROM competencies_prerequisite
                    WHERE competency_id = reached.id AND until IS NULL) link)
            SELECT parent_id, child_id, framework_id
            FROM competencies_parentedge JOIN reached ON parent_id = reached.id
            WHERE until IS NULL
            UNION ALL
            SELECT competency_id, requires_id, NULL
            FROM competencies_prerequisite JOIN reached ON competency_id = reached.id
            WHERE until IS NULL
            """,
            [sorted(competency_ids)],
        )
        return tuple(Dependence(*row) for row in cursor.fetchall())


def _relatives(
    competency_ids: Collection[int],
    at: datetime | None,
    *,
    of: Literal["child_id", "parent_id"],
    to: Literal["child_id", "parent_id"],
) -> dict[int, tuple[Relative, ...]]:
    """Follow the links from ``of`` to ``to``. The column names are ours, never a user's."""
    in_force = (
        "until IS NULL" if at is None else "since <= %(at)s AND (until IS NULL OR until > %(at)s)"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH RECURSIVE way (start, node, distance) AS (
                SELECT {of}, {to}, 1 FROM competencies_parentedge
                WHERE {of} = ANY(%(ids)s) AND parent_id IS NOT NULL AND {in_force}
                UNION
                SELECT way.start, edge.{to}, way.distance + 1
                FROM way JOIN competencies_parentedge edge ON edge.{of} = way.node
                WHERE edge.parent_id IS NOT NULL AND {in_force})
            SELECT start, node, min(distance) FROM way GROUP BY start, node ORDER BY 1, 3, 2
            """,  # noqa: S608
            {"ids": list(competency_ids), "at": at},
        )
        found: dict[int, list[Relative]] = {competency: [] for competency in competency_ids}
        for start, node, distance in cursor.fetchall():
            found[start].append(Relative(node, distance))
    return {start: tuple(relatives) for start, relatives in found.items()}


def _in_force(at: datetime | None) -> Q:
    if at is None:
        return Q(until__isnull=True)
    return Q(since__lte=at) & (Q(until__isnull=True) | Q(until__gt=at))


def _grouped(
    competency_ids: Collection[int], pairs: Iterable[tuple[int, int | None]]
) -> dict[int, tuple[int, ...]]:
    found: dict[int, list[int]] = {competency: [] for competency in competency_ids}
    for of, to in pairs:
        if to is not None:
            found[of].append(to)
    return {of: tuple(dict.fromkeys(to)) for of, to in found.items()}


__all__ = [
    "Dependence",
    "Relative",
    "ancestors",
    "children",
    "dependences",
    "descendants",
    "opened_by",
    "parents",
    "prerequisites",
    "roots",
]
