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
    a row*. A competency that moves in the tree is judged by its new place from then on. Three
    queries, or four where a subtree has a placement.
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
    above = _ever_above(placements, competency_ids)
    return {
        competency: tuple(
            _timeline(_candidates(placements, framework, competency, above[competency]), default)
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


def ever_below(competency_ids: Collection[int]) -> set[int]:
    """Return everything that is or once was below ``competency_ids``; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE down (node) AS (
                SELECT child_id FROM competencies_parentedge WHERE parent_id = ANY(%s)
                UNION
                SELECT edge.child_id
                FROM down JOIN competencies_parentedge edge ON edge.parent_id = down.node)
            SELECT node FROM down
            """,
            [list(competency_ids)],
        )
        return {node for (node,) in cursor.fetchall()}


@dataclass(frozen=True, slots=True)
class _Above:
    """A competency with a placement was above another by ``distance`` links for a time."""

    competency_id: int
    distance: int
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A placement that concerns a competency for a time; the nearest, then the latest, rules."""

    place: Place
    placement: PolicyPlacement
    since: datetime
    until: datetime | None

    def holds(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)

    @property
    def rank(self) -> tuple[int, int, datetime, int]:
        """Return what sorts the one that rules last."""
        kind, distance = self.place
        return -kind, -distance, self.placement.starts_at, self.placement.pk


def _ever_above(
    placements: Iterable[PolicyPlacement], competency_ids: Collection[int]
) -> Mapping[int, Sequence[_Above]]:
    """
    Return when each competency was below one whose placement takes in its parts; one query.

    Links that ended are followed too: a competency that moved away was judged there until then.
    """
    found: dict[int, list[_Above]] = defaultdict(list)
    placed = {placement.competency_id for placement in placements if placement.subtree}
    if not placed:
        return found
    with connection.cursor() as cursor:
        cursor.execute(_EVER_ABOVE, [list(competency_ids), list(placed)])
        for start, *row in cursor.fetchall():
            found[start].append(_Above(*row))
    return found


_EVER_ABOVE = """
WITH RECURSIVE up (start, node, distance, since, until) AS (
    SELECT child_id, parent_id, 1, since, until FROM competencies_parentedge
    WHERE child_id = ANY(%s) AND parent_id IS NOT NULL
    UNION
    SELECT up.start, edge.parent_id, up.distance + 1,
           greatest(up.since, edge.since), least(up.until, edge.until)
    FROM up JOIN competencies_parentedge edge ON edge.child_id = up.node
    WHERE edge.parent_id IS NOT NULL
      AND greatest(up.since, edge.since)
          < coalesce(least(up.until, edge.until), 'infinity'))
SELECT start, node, distance, since, until FROM up WHERE node = ANY(%s)
"""


def _candidates(
    placements: Iterable[PolicyPlacement],
    framework: int,
    competency: int,
    above: Sequence[_Above],
) -> Iterable[_Candidate]:
    for placement in placements:
        since = placement.starts_at
        if placement.competency_id == competency:
            yield _Candidate(
                (_SUBTREE if placement.subtree else _COMPETENCY, 0), placement, since, None
            )
        elif placement.subtree:
            for one in above:
                if one.competency_id == placement.competency_id:
                    begins = max(since, one.since)
                    yield _Candidate((_SUBTREE, one.distance), placement, begins, one.until)
        elif placement.competency_id is None and placement.framework_id in {None, framework}:
            place = (_DISTRICT if placement.framework_id is None else _FRAMEWORK, 0)
            yield _Candidate(place, placement, since, None)


def _timeline(candidates: Iterable[_Candidate], default: int) -> Iterable[InForce]:
    """Yield what rules, each time that it is another placement than before."""
    yield InForce(None, default, False, None)
    known = list(candidates)
    turns = {instant for one in known for instant in (one.since, one.until) if instant is not None}
    ruled: PolicyPlacement | None = None
    for at in sorted(turns):
        in_force = [one for one in known if one.holds(at)]
        rules = max(in_force, key=lambda one: one.rank).placement if in_force else None
        if rules == ruled:
            continue
        ruled = rules
        if rules is None:
            yield InForce(at, default, False, None)
        else:
            recompute = rules.mode == PolicyPlacement.Mode.RECOMPUTE
            yield InForce(at, rules.version_id, recompute, rules.placed_by_id)
