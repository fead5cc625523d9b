"""What the engine says of a pair, as columns of a state and rows of advancements."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from mastery.engine import decide, rollup, values
from mastery.queries.family import Child, Family, mastery_changes, with_states
from mastery.queries.logs import PairLogs

Pair = tuple[int, int]  # student id, competency id

# Raise it when the same logs may give another state: the audit then tells old from wrong.
ENGINE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Decided:
    """Columns of MasteryState but for its keys, and the advancements, oldest first."""

    columns: Mapping[str, Any]
    advancements: tuple[values.Advancement, ...]


def decide_by_evidence(logs: values.Logs, at: datetime) -> Decided | None:
    """Return the standing of a pair by its own logs; None where nothing was recorded."""
    if not logs.ratings and not logs.judgements:
        return None
    outcome = decide(logs, at)
    state = outcome.state
    shown = asdict(state.shown)
    level = shown.pop("level")
    provisional = shown.pop("provisional")
    return Decided(
        columns={
            "decision": str(state.decision),
            "basis": str(state.basis),
            "level": state.level,
            "shown_level": level,
            "shown": {name: value for name, value in shown.items() if value not in (None, False)},
            "provisional": provisional,
            "estimate": None if state.estimate is None else state.estimate.stored,
            "counted": state.counted,
            "not_counted": state.not_counted,
            "children_have": None,
            "children_need": None,
            "children_total": None,
            "unmet": list(state.unmet),
            "next_step": {"code": state.next_step, **dict(state.next_step_params)}
            if state.next_step
            else {},
            "mastered_on": state.mastered_on,
            "refresh_on": state.refresh_on,
            "look_again_on": state.look_again_on,
            "valid_until": state.valid_until,
            "policy_version_id": state.policy_version,
            "target": state.target,
            "inputs_hash": state.inputs_hash,
        },
        advancements=outcome.advancements,
    )


def decide_by_children(
    pairs: Collection[Pair],
    logs: PairLogs,
    relations: Family,
    at: datetime,
    failed: dict[Pair, str],
) -> dict[Pair, Decided | None]:
    """Return the standing of pairs that their children decide; two queries."""
    children = {
        (student, child.competency_id)
        for student, competency in pairs
        for child in relations.children[competency]
    }
    changes = mastery_changes(children)
    present = with_states(children)
    found: dict[Pair, Decided | None] = {}
    for pair in sorted(pairs):
        try:
            found[pair] = _by_children(pair, logs.logs[pair], relations, changes, present, at)
        except Exception as error:  # one bad pair must not keep the others waiting
            failed[pair] = f"{type(error).__name__}: {error}"[:500]
    return found


def _by_children(
    pair: Pair,
    logs: values.Logs,
    relations: Family,
    changes: Mapping[Pair, tuple[tuple[datetime, bool], ...]],
    present: set[Pair],
    at: datetime,
) -> Decided | None:
    student, competency = pair
    children = relations.children[competency]
    if not logs.judgements and not any((student, c.competency_id) in present for c in children):
        return None
    first, *later = relations.rules[competency]
    logged = [_child(student, child, changes, present) for child in children]
    outcome = rollup.decide_rollup(first.rule, logged, later, logs.judgements, at)
    return Decided(
        columns={
            "decision": str(outcome.decision),
            "basis": str(outcome.basis),
            "level": None,
            "shown_level": None,
            "shown": {},
            "provisional": False,
            "estimate": None,
            "counted": 0,
            "not_counted": len({rating.piece for rating in logs.ratings}),
            "children_have": outcome.have,
            "children_need": outcome.need,
            "children_total": outcome.total,
            "unmet": [],
            "next_step": {},
            "mastered_on": outcome.mastered_on,
            "refresh_on": None,
            "look_again_on": None,
            "valid_until": _next_end(logs, at),
            "policy_version_id": None,
            "target": None,
            "inputs_hash": 0,
        },
        advancements=outcome.advancements,
    )


def _next_end(logs: values.Logs, at: datetime) -> datetime | None:
    ends = [said.ends_at for said in logs.judgements if said.ends_at and said.ends_at > at]
    return min(ends, default=None)


def _child(
    student: int,
    child: Child,
    changes: Mapping[Pair, tuple[tuple[datetime, bool], ...]],
    present: set[Pair],
) -> rollup.ChildLog:
    pair = (student, child.competency_id)
    # One that has evidence and was never mastered speaks too: it makes "not yet" of no evidence.
    begun = ((child.since, False),) if pair in present else ()
    return rollup.ChildLog(
        competency=child.competency_id,
        since=child.since,
        until=child.until,
        changes=begun + changes.get(pair, ()),
    )
