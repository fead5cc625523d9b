"""How competencies hang together: who decides a competency, its children, what it opens."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection

from competencies.models import Competency, ParentEdge, Prerequisite, RollupRule
from mastery.engine import rollup

Pair = tuple[int, int]  # student id, competency id
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Child:
    """A competency that was, or is, part of another; retired ones ended when they retired."""

    competency_id: int
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Family:
    """The competencies that their children decide in one district, with everything for it."""

    children: dict[int, tuple[Child, ...]]  # parent → every child it ever had
    rules: dict[int, tuple[rollup.RollupRuleInForce, ...]]  # the first since ever
    decided_by_children: frozenset[int]


def family(district_id: int, competency_ids: Collection[int]) -> Family:
    """Return the children and roll-up rules of competencies; three queries."""
    children: dict[int, list[Child]] = defaultdict(list)
    edges = ParentEdge.objects.filter(parent__in=competency_ids).values_list(
        "parent_id", "child_id", "since", "until", "child__retired_at"
    )
    for parent, child, since, until, retired in edges.order_by("since", "pk"):
        ends = [instant for instant in (until, retired) if instant is not None]
        children[parent].append(Child(child, since, min(ends, default=None)))
    rules: dict[int, list[RollupRule]] = defaultdict(list)
    for rule in RollupRule.objects.filter(
        district_id=district_id, competency__in=competency_ids
    ).order_by("recorded_at", "pk"):
        rules[rule.competency_id].append(rule)
    rated = set(
        Competency.objects.filter(pk__in=competency_ids, is_rated=True).values_list("pk", flat=True)
    )
    return Family(
        children={parent: tuple(found) for parent, found in children.items()},
        rules={number: _timeline(rules.get(number, [])) for number in competency_ids},
        decided_by_children=frozenset(
            number
            for number in children
            if (rules[number][-1].children_decide if rules.get(number) else number not in rated)
        ),
    )


def _timeline(rules: Collection[RollupRule]) -> tuple[rollup.RollupRuleInForce, ...]:
    return (
        rollup.RollupRuleInForce(_EVER, rollup.RollupRule(kind="all")),
        *(
            rollup.RollupRuleInForce(row.recorded_at, rollup.RollupRule(kind=row.rule, k=row.k))
            for row in rules
        ),
    )


def parents_of(competency_ids: Collection[int], *, ever: bool = False) -> dict[int, set[int]]:
    """Return the competencies that each is part of now, or ``ever`` was; one query."""
    found: dict[int, set[int]] = defaultdict(set)
    edges = ParentEdge.objects.filter(child__in=competency_ids, parent__isnull=False)
    if not ever:
        edges = edges.filter(until__isnull=True)
    for child, parent in edges.values_list("child_id", "parent_id"):
        if parent is not None:
            found[child].add(parent)
    return found


def opened_by(competency_ids: Collection[int], *, ever: bool = False) -> dict[int, set[int]]:
    """Return the competencies that each is a prerequisite of now, or ``ever`` was; one query."""
    found: dict[int, set[int]] = defaultdict(set)
    edges = Prerequisite.objects.filter(requires__in=competency_ids)
    if not ever:
        edges = edges.filter(until__isnull=True)
    for requires, competency in edges.values_list("requires_id", "competency_id"):
        found[requires].add(competency)
    return found


def mastery_changes(pairs: Collection[Pair]) -> dict[Pair, tuple[tuple[datetime, bool], ...]]:
    """Return when pairs became mastered (True) or were reopened (False), in order; one query."""
    found: dict[Pair, list[tuple[datetime, bool]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.student_id, a.competency_id, a.decided_at, a.kind <> 'reopened'
            FROM unnest(%s::int[], %s::int[]) AS pair (student_id, competency_id)
            JOIN mastery_advancement a USING (student_id, competency_id)
            ORDER BY a.student_id, a.competency_id, a.number
            """,
            [[student for student, _ in pairs], [competency for _, competency in pairs]],
        )
        for student, competency, at, mastered in cursor.fetchall():
            found[student, competency].append((at, mastered))
    return {pair: tuple(changes) for pair, changes in found.items()}


def first_evidence(pairs: Collection[Pair]) -> dict[Pair, datetime]:
    """Return when the first rating of each pair was recorded, of those that have one; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.student_id, r.competency_id, min(r.recorded_at)
            FROM unnest(%s::int[], %s::int[]) AS pair (student_id, competency_id)
            JOIN assessments_rating r USING (student_id, competency_id)
            GROUP BY r.student_id, r.competency_id
            """,
            [[student for student, _ in pairs], [competency for _, competency in pairs]],
        )
        return {(student, competency): at for student, competency, at in cursor.fetchall()}


def with_states(pairs: Collection[Pair]) -> set[Pair]:
    """Return those of ``pairs`` that have a state; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT s.student_id, s.competency_id
            FROM unnest(%s::int[], %s::int[]) AS pair (student_id, competency_id)
            JOIN mastery_masterystate s USING (student_id, competency_id)
            """,
            [[student for student, _ in pairs], [competency for _, competency in pairs]],
        )
        return set(cursor.fetchall())
