"""Hold what is stored against the logs, and mend it where asked."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from mastery.actions import store
from mastery.actions.decisions import Decided, decide_by_children, decide_by_evidence
from mastery.actions.openings import openings_due
from mastery.actions.recompute import by_district, recompute
from mastery.models import Opening, RecomputeRequest
from mastery.queries.family import family
from mastery.queries.logs import pair_logs
from students.actions.locks import Locked

Pair = tuple[int, int]  # student id, competency id


@dataclass(slots=True)
class Audited:
    """What an audit found. Pairs that wait in the queue are known to be behind: not looked at."""

    checked: int = 0
    waiting: int = 0
    healed: int = 0
    wrong: dict[Pair, list[str]] = field(default_factory=dict)  # what differs, by column


def audit(pairs: set[Pair], *, locked: Locked, replay: bool, heal: bool, found: Audited) -> None:
    """
    Compare the stored states of ``pairs`` with their logs; add what differs to ``found``.

    With ``replay`` the advancements and openings too, row by row. With ``heal`` the pairs that
    differ are recomputed in this transaction. Some fifteen queries, whatever the number.
    """
    waiting = _waiting(pairs)
    wrong: dict[Pair, list[str]] = {}
    for district, of_district in by_district(pairs - waiting).items():
        wrong |= _differences(district, of_district, locked, replay=replay)
    found.checked += len(pairs - waiting)
    found.waiting += len(waiting)
    found.wrong |= wrong
    if heal and wrong:
        found.healed += len(recompute(wrong.keys(), locked=locked).changed)


def _differences(
    district: int, pairs: set[Pair], locked: Locked, *, replay: bool
) -> dict[Pair, list[str]]:
    decided = _decide(district, pairs, locked)
    stored = store.stored_states(pairs)
    wrong: dict[Pair, list[str]] = defaultdict(list)
    for pair in pairs:
        said = decided.get(pair)
        columns = dict(said.columns) if said else {}
        kept = stored.get(pair, {})
        wrong[pair] += [name for name in store.COMPARED if columns.get(name) != kept.get(name)]
    if replay:
        _compare_advancements(pairs, decided, wrong)
        _compare_openings(pairs, wrong)
    return {pair: names for pair, names in wrong.items() if names}


def _decide(district: int, pairs: set[Pair], locked: Locked) -> dict[Pair, Decided | None]:
    relations = family(district, {competency for _, competency in pairs})
    logs = pair_logs(district, pairs)
    by_children = {pair for pair in pairs if pair[1] in relations.decided_by_children}
    decided: dict[Pair, Decided | None] = {
        pair: decide_by_evidence(logs.logs[pair], locked.at) for pair in pairs - by_children
    }
    return decided | decide_by_children(by_children, logs, relations, locked.at, {})


def _compare_advancements(
    pairs: set[Pair], decided: Mapping[Pair, Decided | None], wrong: dict[Pair, list[str]]
) -> None:
    stored = store.stored_advancements(pairs)
    for pair in pairs:
        said = decided.get(pair)
        due = said.advancements if said else ()
        rows = stored.get(pair, [])
        same = len(due) == len(rows) and all(map(store.is_same, rows, due))
        if not same or [row.number for row in rows] != [*range(1, len(rows) + 1)]:
            wrong[pair].append("advancements")


def _compare_openings(pairs: set[Pair], wrong: dict[Pair, list[str]]) -> None:
    rows = Opening.objects.filter(
        student__in={student for student, _ in pairs},
        competency__in={competency for _, competency in pairs},
    ).values_list("student_id", "competency_id")
    for pair in openings_due(pairs).keys() - set(rows):
        wrong[pair].append("opening")


def _waiting(pairs: set[Pair]) -> set[Pair]:
    rows = RecomputeRequest.objects.filter(
        student_id__in={student for student, _ in pairs}
    ).values_list("student_id", "competency_id")
    return pairs & set(rows)
