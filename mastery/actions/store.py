"""Write what was decided, and only what differs from what is there."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mastery.actions.decisions import ENGINE_VERSION, Decided
from mastery.engine import values
from mastery.models import Advancement, MasteryState
from students.actions.locks import Locked

Pair = tuple[int, int]  # student id, competency id

log = logging.getLogger(__name__)

_KEYS = {"student_id", "competency_id", "district_id"}
_WHEN = {"computed_at", "engine_version"}
_COLUMNS = {column.attname for column in MasteryState._meta.concrete_fields} - {"pk"}
# What tells a change; when it was computed, and by which engine, does not.
COMPARED = tuple(sorted(_COLUMNS - _KEYS - _WHEN))


@dataclass(slots=True)
class Written:
    """Pairs whose rows changed, and those among them that concern other pairs."""

    changed: set[Pair] = field(default_factory=set)
    moved: set[Pair] = field(default_factory=set)  # new, or mastered and reopened


def write(district: int, outcomes: Mapping[Pair, Decided | None], locked: Locked) -> Written:
    """Write states that differ and advancements that are new; four queries at most."""
    decided = {pair: outcome for pair, outcome in outcomes.items() if outcome is not None}
    written = Written()
    _remove(outcomes.keys() - decided.keys(), written)
    gone = {pair: Decided({}, ()) for pair in written.changed}
    if not decided and not gone:
        return written
    stored = stored_states(decided)
    differing = {
        pair for pair, outcome in decided.items() if stored.get(pair) != dict(outcome.columns)
    }
    _write_states(district, {pair: decided[pair].columns for pair in differing}, locked)
    advanced = _write_advancements(district, decided | gone, locked)
    written.moved |= advanced | (differing - stored.keys())
    written.changed |= differing | advanced
    return written


def stored_states(pairs: Collection[Pair]) -> dict[Pair, dict[str, Any]]:
    """Return the compared columns of the states that are stored; one query."""
    wanted = set(pairs)
    rows = MasteryState.objects.filter(
        student__in={student for student, _ in wanted},
        competency__in={competency for _, competency in wanted},
    ).values("student_id", "competency_id", *COMPARED)
    found = {(row.pop("student_id"), row.pop("competency_id")): row for row in rows}
    return {pair: row for pair, row in found.items() if pair in wanted}


def stored_advancements(pairs: Collection[Pair]) -> dict[Pair, list[Advancement]]:
    """Return the stored advancements of pairs, oldest first; one query."""
    wanted = set(pairs)
    rows = Advancement.objects.filter(
        student__in={student for student, _ in wanted},
        competency__in={competency for _, competency in wanted},
    ).order_by("student_id", "competency_id", "number")
    found: dict[Pair, list[Advancement]] = {}
    for row in rows:
        if (row.student_id, row.competency_id) in wanted:
            found.setdefault((row.student_id, row.competency_id), []).append(row)
    return found


def is_same(row: Advancement, decided: values.Advancement) -> bool:
    """Test if a stored advancement says what the logs say now."""
    return (row.kind, row.basis, row.mastered_on, row.decided_at) == (
        decided.kind,
        decided.basis,
        decided.mastered_on,
        decided.decided_at,
    )


def _remove(pairs: Collection[Pair], written: Written) -> None:
    """Take away states that nothing speaks for any more: the children decide, and none began."""
    gone = set(stored_states(pairs)) if pairs else set()
    if gone:
        MasteryState.objects.filter(pk__in=sorted(gone)).delete()
    written.changed |= gone
    written.moved |= gone


def _write_states(district: int, columns: Mapping[Pair, Mapping[str, Any]], locked: Locked) -> None:
    MasteryState.objects.bulk_create(
        [
            MasteryState(
                student_id=student,
                competency_id=competency,
                district_id=district,
                computed_at=locked.at,
                engine_version=ENGINE_VERSION,
                **columns[student, competency],
            )
            for student, competency in sorted(columns)
        ],
        update_conflicts=True,
        unique_fields=["student_id", "competency_id"],
        update_fields=sorted(_COLUMNS - _KEYS),
    )


def _write_advancements(
    district: int, decided: Mapping[Pair, Decided], locked: Locked
) -> set[Pair]:
    """Append what the logs say beyond what is stored; return the pairs it concerns."""
    stored = stored_advancements(decided)
    rows = [
        _row(district, pair, said, number)
        for pair in sorted(decided)
        for number, said in _new(pair, stored.get(pair, []), decided[pair].advancements, locked)
    ]
    Advancement.objects.bulk_create(rows)
    return {(row.student_id, row.competency_id) for row in rows}


def _new(
    pair: Pair,
    stored: list[Advancement],
    decided: tuple[values.Advancement, ...],
    locked: Locked,
) -> list[tuple[int, values.Advancement]]:
    """Return what is to be appended, each with its number."""
    kept = len(stored)
    if all(is_same(row, said) for row, said in zip(stored, decided, strict=False)) and (
        len(decided) >= kept
    ):
        return [(said.number, said) for said in decided[kept:]]
    # The log is append-only, and the engine or who decides now tells its past otherwise: keep
    # what was said and append what holds now. The audit reports such pairs.
    log.error("the advancements of pair %s differ from their logs", pair)
    said = _turn(stored[-1], decided[-1] if decided else None, locked)
    return [] if said is None else [(kept + 1, said)]


def _turn(
    before: Advancement, now: values.Advancement | None, locked: Locked
) -> values.Advancement | None:
    """Return what leads from ``before`` to what holds ``now``, as of this moment; or None."""
    kinds = values.AdvancementKind
    was_mastered = before.kind != kinds.REOPENED
    if now is not None and now.kind != kinds.REOPENED:
        if was_mastered and (before.basis, before.mastered_on) == (now.basis, now.mastered_on):
            return None
        kind = kinds.REDATED if was_mastered else kinds.MASTERED
        return replace(now, kind=kind, decided_at=locked.at)
    if not was_mastered:
        return None
    return values.Advancement(
        number=before.number + 1,
        kind=kinds.REOPENED,
        basis=values.Basis(before.basis),
        mastered_on=None,
        decided_at=locked.at,
        cause="rule" if now is None else now.cause,
        cause_id=None if now is None else now.cause_id,
    )


def _row(district: int, pair: Pair, said: values.Advancement, number: int) -> Advancement:
    return Advancement(
        district_id=district,
        student_id=pair[0],
        competency_id=pair[1],
        number=number,
        kind=said.kind,
        basis=said.basis,
        mastered_on=said.mastered_on,
        decided_at=said.decided_at,
        cause=said.cause,
        cause_id=said.cause_id,
        policy_version=said.policy_version,
        target=said.target,
        pieces=list(said.pieces),
        deciding=list(said.deciding),
    )
