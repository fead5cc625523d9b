"""
Where a student stands on competencies at an instant, told anew from the logs.

The same meaning as ``recompute`` (mastery/actions) at any past instant: a competency is decided
by its own ratings, or by its children's logged changes. Whether a competency is rated at all is
not dated; everything else is as it was known then.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from assessments.models import Rating
from competencies.models import Competency, RollupRule
from mastery.engine import decide, decide_rollup
from mastery.engine.rollup import ChildLog, RollupOutcome, RollupRuleInForce
from mastery.engine.values import Decision, Logs, Outcome
from mastery.models import Judgement
from mastery.queries.family import Child, Family, family, mastery_changes
from mastery.queries.logs import pair_logs
from mastery.queries.waiting import Waiting, waiting
from students.models import Student

# Judgements that stand in front of whatever the evidence or the children say.
IN_FRONT = frozenset({"override", "override_end", "prior_standing", "reopening"})


@dataclass(frozen=True, slots=True)
class Rollup:
    """A competency by its children: every edge that counts at the instant, and what follows."""

    outcome: RollupOutcome
    rule: RollupRuleInForce
    children: tuple[ChildLog, ...]  # in force at the instant


@dataclass(frozen=True, slots=True)
class Standing:
    """
    One student on one competency. ``outcome`` is by the own ratings, ``rollup`` by the children.

    ``outcome`` is None where the calculation is paused, or the children decide. A ``rollup`` that
    does not decide leaves out the judgements in front.
    """

    competency_id: int
    by_children: bool
    logs: Logs  # as known at the instant
    outcome: Outcome | None
    rollup: Rollup | None
    waiting: Waiting | None

    @property
    def is_paused(self) -> bool:
        """Test if the calculation is paused; then the last good state speaks."""
        return self.waiting is not None and self.waiting.paused

    @property
    def decision(self) -> Decision:
        if self.waiting is not None and self.waiting.paused:
            stored = self.waiting.stored
            return Decision(stored.decision) if stored else Decision.NO_EVIDENCE
        if self.by_children and self.rollup:
            return self.rollup.outcome.decision
        return self.outcome.state.decision if self.outcome else Decision.NO_EVIDENCE


def standings(
    student: Student, competency_ids: Collection[int], at: datetime
) -> dict[int, Standing]:
    """
    Return where ``student`` stands on each competency with what was known at ``at``.

    A pair whose calculation is paused is not calculated: it might never end. About twenty
    queries whatever the numbers, and seven more a level of headings below the children.

    :raises ValueError: as the engine does, where a pair's logs make no sense.
    """
    wanted = set(competency_ids)
    tree = tree_at(student.district_id, wanted, at)
    pairs = [(student.pk, number) for number in sorted(wanted)]
    logs = {
        number: known(whole, at)
        for (_, number), whole in pair_logs(student.district_id, pairs).logs.items()
    }
    rollups = _rollups(student, tree, logs, at)
    queued = waiting(student, wanted)
    paused = {number for number, request in queued.items() if request.paused}
    return {
        number: Standing(
            competency_id=number,
            by_children=number in tree.by_children,
            logs=logs[number],
            outcome=None if number in paused | tree.by_children else decide(logs[number], at),
            rollup=rollups.get(number),
            waiting=queued.get(number),
        )
        for number in wanted
    }


def known(logs: Logs, at: datetime) -> Logs:
    """Return ``logs`` without the rows that were recorded after ``at``."""
    return replace(
        logs,
        ratings=tuple(row for row in logs.ratings if row.recorded_at <= at),
        judgements=tuple(row for row in logs.judgements if row.recorded_at <= at),
    )


def without_words(logs: Logs) -> Logs:
    """Return ``logs`` without the judgements that stand in front."""
    return replace(
        logs, judgements=tuple(row for row in logs.judgements if row.kind not in IN_FRONT)
    )


@dataclass(frozen=True, slots=True)
class Tree:
    """The children and rules of competencies, and which of them their children decide."""

    children: Mapping[int, tuple[Child, ...]]  # every edge that began by the instant
    relations: Family
    by_children: frozenset[int]


def tree_at(district_id: int, competency_ids: Collection[int], at: datetime) -> Tree:
    """Return the families of competencies as they were at ``at``; five queries."""
    relations = family(district_id, competency_ids)
    children = {
        parent: begun
        for parent, edges in relations.children.items()
        if (begun := tuple(edge for edge in edges if edge.since <= at))
    }
    said = dict(
        RollupRule.objects.filter(
            district=district_id, competency__in=competency_ids, recorded_at__lte=at
        )
        .order_by("competency", "-recorded_at", "-pk")
        .distinct("competency")
        .values_list("competency", "children_decide")
    )
    rated = set(
        Competency.objects.filter(pk__in=competency_ids, is_rated=True).values_list("pk", flat=True)
    )
    decided = frozenset(parent for parent in children if said.get(parent, parent not in rated))
    return Tree(children, relations, decided)


def _rollups(
    student: Student, tree: Tree, logs: Mapping[int, Logs], at: datetime
) -> dict[int, Rollup]:
    below = {edge.competency_id for edges in tree.children.values() for edge in edges}
    if not below:
        return {}
    changes = mastery_changes({(student.pk, number) for number in below})
    begun = _begun(student, below, at)
    found = {}
    for parent, edges in tree.children.items():
        children = [
            _child(edge, changes.get((student.pk, edge.competency_id), ()), begun) for edge in edges
        ]
        first, *later = tree.relations.rules[parent]
        words = logs[parent].judgements if parent in tree.by_children else ()
        found[parent] = Rollup(
            outcome=decide_rollup(first.rule, children, later, words, at),
            rule=[rule for rule in (first, *later) if rule.starts_at <= at][-1],
            children=tuple(one for one in children if one.until is None or at < one.until),
        )
    return found


def _child(
    edge: Child, changes: tuple[tuple[datetime, bool], ...], begun: Collection[int]
) -> ChildLog:
    first = ((edge.since, False),) if edge.competency_id in begun else ()
    return ChildLog(edge.competency_id, edge.since, edge.until, first + changes)


def _begun(student: Student, competency_ids: Collection[int], at: datetime) -> set[int]:
    """
    Return those competencies on which ``student`` had a state at ``at``: recorded, or below.

    Six queries a level of headings.
    """
    if not competency_ids:
        return set()
    rated, judged = _recorded(student, competency_ids, at)
    tree = tree_at(student.district_id, competency_ids, at)
    headings = tree.by_children - judged
    below = _begun(
        student, {edge.competency_id for number in headings for edge in tree.children[number]}, at
    )
    return (
        judged
        | (rated - tree.by_children)
        | {
            number
            for number in headings
            if any(edge.competency_id in below for edge in tree.children[number])
        }
    )


def _recorded(
    student: Student, competency_ids: Collection[int], at: datetime
) -> tuple[set[int], set[int]]:
    """Return the competencies with a rating and those with a judgement by ``at``; two queries."""
    of_pairs = {"student": student, "competency__in": competency_ids, "recorded_at__lte": at}
    return (
        set(Rating.objects.filter(**of_pairs).values_list("competency", flat=True)),
        set(Judgement.objects.filter(**of_pairs).values_list("competency", flat=True)),
    )
