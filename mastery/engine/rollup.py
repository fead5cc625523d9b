"""
The decision on a competency by its children: "k of n", in both directions, and never a level.

There is no ratchet here: a child that is open again may take the roll-up with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter

from mastery.engine.days import utc_day
from mastery.engine.judgements import Judged
from mastery.engine.values import Advancement, AdvancementKind, Basis, Decision, Judgement

KINDS = frozenset({"all", "k_of_n"})
_CAUSES = ("reopening", "override", "override_end", "prior_standing", "rule", "child")
_JUDGEMENTS = frozenset({"override", "override_end", "prior_standing", "reopening"})
_NO_LEVEL = 1  # a roll-up has no target: a level named in a judgement on it counts as mastered


@dataclass(frozen=True, slots=True)
class RollupRule:
    """
    How many children make the parent mastered.

    :raises ValueError: if no children could.
    """

    kind: str  # "all", "k_of_n"
    k: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"There is no roll-up rule named {self.kind!r}.")
        if self.kind == "k_of_n" and (self.k is None or self.k < 1):
            raise ValueError("“k of n” needs k, at least 1.")

    def need(self, total: int) -> int:
        """Return how many of ``total`` children must be mastered."""
        return total if self.k is None or self.kind == "all" else self.k


@dataclass(frozen=True, slots=True)
class RollupRuleInForce:
    """From when a rule judges the children."""

    starts_at: datetime
    rule: RollupRule


@dataclass(frozen=True, slots=True)
class ChildLog:
    """
    One edge to a child, and every change of the child's decision.

    ``changes`` are (decided at, mastered); a child with evidence but not mastered has at least one
    change to False, at its first evidence. It counts from ``since`` up to, not at, ``until``.
    """

    competency: int
    since: datetime
    until: datetime | None = None
    changes: tuple[tuple[datetime, bool], ...] = ()

    def last_change(self, at: datetime) -> tuple[datetime, bool] | None:
        """Return the newest change by ``at``; of several at one instant the last listed."""
        happened = [change for change in self.changes if change[0] <= at]
        return sorted(happened, key=itemgetter(0))[-1] if happened else None


@dataclass(frozen=True, slots=True)
class RollupOutcome:
    """The standing of the parent; ``total`` counts the live children."""

    decision: Decision
    basis: Basis
    have: int
    need: int
    total: int
    mastered_on: date | None
    advancements: tuple[Advancement, ...]


@dataclass(frozen=True, slots=True)
class _Count:
    have: int
    need: int
    total: int
    anything: bool  # does any live child have evidence or a judgement?
    newest: datetime | None  # when the last of the mastered ones became it

    @property
    def met(self) -> bool:
        return self.total > 0 and self.have >= self.need


def decide_rollup(
    rule: RollupRule,
    children: Sequence[ChildLog],
    rules_timeline: Sequence[RollupRuleInForce],
    judgements: Sequence[Judgement],
    at: datetime,
) -> RollupOutcome:
    """
    Decide a parent by its ``children`` with what was known at ``at``.

    ``rule`` holds until the first of ``rules_timeline`` starts. A reopening takes away what the
    children had shown by then: it takes a child mastered since to meet the rule again.
    """
    fold = _Fold(rule, children, rules_timeline)
    happened = [event for event in _events(children, rules_timeline, judgements) if event[0] <= at]
    for instant in sorted({event[0] for event in happened}):
        fold.step(instant, [event for event in happened if event[0] == instant])
    return fold.outcome(at)


_Event = tuple[datetime, str, int, Judgement | None]  # when, cause, id, judgement


class _Fold:
    def __init__(
        self,
        rule: RollupRule,
        children: Sequence[ChildLog],
        rules_timeline: Sequence[RollupRuleInForce],
    ) -> None:
        self._rule = rule
        self._children = children
        self._rules = rules_timeline
        self._judged = Judged()
        self._met_since: datetime | None = None
        self._ground: tuple[Basis, date] | None = None
        self._log: list[Advancement] = []

    def step(self, at: datetime, events: list[_Event]) -> None:
        """Take in everything that became known at one instant."""
        for _, _, _, judgement in sorted(events, key=lambda event: event[2]):
            if judgement is not None:
                self._judged.apply(judgement, lambda _at: _NO_LEVEL)
        self._judged.end_override_if_due(at)
        if not self._met(at):
            self._met_since = None
        elif self._met_since is None:
            self._met_since = at
        self._log_change(at, events)

    def outcome(self, at: datetime) -> RollupOutcome:
        """Return the standing after every step up to ``at``."""
        count, ground = self._count(at), self._ground
        decision, basis = Decision.NOT_YET, Basis.ROLLUP
        if ground is not None:
            decision, basis = Decision.MASTERED, ground[0]
        elif self._judged.override is not None:
            basis = Basis.OVERRIDE
        elif not count.anything:
            decision = Decision.NOT_YET if self._judged.prior else Decision.NO_EVIDENCE
            basis = Basis.PRIOR if self._judged.prior else Basis.ROLLUP
        mastered_on = ground[1] if ground else None
        log = tuple(self._log)
        return RollupOutcome(decision, basis, count.have, count.need, count.total, mastered_on, log)

    def _met(self, at: datetime) -> bool:
        count = self._count(at)
        if count.newest is None or self._judged.removes(count.newest):
            return False
        return count.met

    def _count(self, at: datetime) -> _Count:
        live = [c for c in self._children if c.since <= at and (c.until is None or at < c.until)]
        last = [change for child in live if (change := child.last_change(at))]
        mastered = [decided_at for decided_at, mastered in last if mastered]
        started = [entry for entry in self._rules if entry.starts_at <= at]
        rule = max(started, key=lambda entry: entry.starts_at).rule if started else self._rule
        newest = max(mastered, default=None)
        return _Count(len(mastered), rule.need(len(live)), len(live), bool(last), newest)

    def _effective(self) -> tuple[Basis, date] | None:
        judged = self._judged
        if judged.override is not None:
            return _said(Basis.OVERRIDE, judged.override) if judged.override_mastered else None
        if self._met_since is not None:
            return Basis.ROLLUP, utc_day(self._met_since)
        if judged.prior is not None and judged.prior_mastered:
            return _said(Basis.PRIOR, judged.prior)
        return None

    def _log_change(self, at: datetime, events: list[_Event]) -> None:
        old, new = self._ground, self._effective()
        either = new or old
        if either is None or new == old:
            return
        self._ground = new
        _, cause, cause_id, _ = min(events, key=lambda event: (_CAUSES.index(event[1]), event[2]))
        number, day = len(self._log) + 1, new[1] if new else None
        kind = AdvancementKind.REDATED if old else AdvancementKind.MASTERED
        if new is None:
            kind = AdvancementKind.REOPENED
        self._log.append(Advancement(number, kind, either[0], day, at, cause, cause_id))


def _said(basis: Basis, judgement: Judgement) -> tuple[Basis, date]:
    return basis, judgement.starts_on or utc_day(judgement.recorded_at)


def _events(
    children: Sequence[ChildLog],
    rules_timeline: Sequence[RollupRuleInForce],
    judgements: Sequence[Judgement],
) -> Iterator[_Event]:
    for child in children:
        yield child.since, "child", child.competency, None
        if child.until is not None:
            yield child.until, "child", child.competency, None
        for decided_at, _ in child.changes:
            yield decided_at, "child", child.competency, None
    for place, entry in enumerate(rules_timeline):
        yield entry.starts_at, "rule", place, None
    for judgement in judgements:
        if judgement.kind in _JUDGEMENTS:
            recorded = judgement.recorded_at
            yield recorded, judgement.kind, judgement.id, judgement
            if judgement.kind == "override" and judgement.ends_at is not None:
                yield max(judgement.ends_at, recorded), "override_end", judgement.id, None
