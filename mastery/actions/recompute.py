"""
The one function that derives: every save, drain, import, policy and audit goes through it.

Lock the students, read the logs, decide, write what differs, ask for what follows.
"""

import logging
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from mastery.actions import openings, queue, store
from mastery.actions.decisions import Decided, decide_by_children, decide_by_evidence
from mastery.models import RecomputeRequest
from mastery.queries.family import Family, family, opened_by, parents_of
from mastery.queries.logs import PairLogs, pair_logs
from students.actions.locks import Locked
from students.models import Student

Pair = tuple[int, int]  # student id, competency id

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Recomputed:
    """What a recompute did. A failed pair kept its last good state."""

    changed: set[Pair] = field(default_factory=set)
    failed: dict[Pair, str] = field(default_factory=dict)  # the error, without personal data
    asked: int = 0  # requests for what follows


@transaction.atomic
def recompute(pairs: Collection[Pair], *, locked: Locked) -> Recomputed:
    """
    Derive the states, advancements and openings of ``pairs`` anew and write what differs.

    Children before their parents, where both are asked for; a parent with a part that waits in
    the queue is put off until that is decided, and so is what a waiting pair would open. What
    follows for other pairs goes to the queue in this transaction. A pair that cannot be decided
    is left as it is and reported; the others are written. Costs about twenty queries for one
    pair and for a thousand, more by about ten a level of roll-ups; the deciding itself a
    fraction of a millisecond a pair.

    :raises AssertionError: if a student is not locked.
    """
    locked.check(student for student, _ in pairs)
    done = Recomputed()
    for district, of_district in by_district(pairs).items():
        _recompute_district(district, of_district, locked, done)
    return done


def _recompute_district(district: int, pairs: set[Pair], locked: Locked, done: Recomputed) -> None:
    relations = family(district, {competency for _, competency in pairs})
    logs = pair_logs(district, pairs)
    by_children = {pair for pair in pairs if pair[1] in relations.decided_by_children}
    outcomes = _decide_each(pairs - by_children, logs, locked.at, done)
    moved = _write(district, outcomes, locked, done)
    too_early, not_opened = queue.behind(pairs, decided=pairs - done.failed.keys())
    too_early &= by_children
    for wave in _waves(by_children - too_early, relations):
        outcomes = decide_by_children(wave, logs, relations, locked.at, done.failed)
        moved |= _write(district, outcomes, locked, done)
    openings.open_what_opens(district, pairs - not_opened)
    done.asked += _ask_for_what_follows(district, moved, by_children - too_early, locked)
    queue.enqueue(
        district,
        too_early | not_opened,
        locked=locked,
        priority=RecomputeRequest.FOLLOW_UP,
        after_seconds=queue.DELAY_SECONDS,
    )


def _decide_each(
    pairs: set[Pair], logs: PairLogs, at: datetime, done: Recomputed
) -> dict[Pair, Decided | None]:
    found: dict[Pair, Decided | None] = {}
    for pair in sorted(pairs):
        try:
            found[pair] = decide_by_evidence(logs.logs[pair], at)
        except Exception as error:  # one bad pair must not keep the others waiting
            log.exception("pair %s cannot be decided", pair)
            done.failed[pair] = f"{type(error).__name__}: {error}"[:500]
    return found


def _write(
    district: int, outcomes: dict[Pair, Decided | None], locked: Locked, done: Recomputed
) -> set[Pair]:
    written = store.write(district, outcomes, locked)
    done.changed |= written.changed
    return written.moved


def _waves(pairs: set[Pair], relations: Family) -> list[set[Pair]]:
    """Part the pairs so that each comes after every child of it that is here too."""
    waves: list[set[Pair]] = []
    waiting = set(pairs)
    while waiting:
        competencies = {competency for _, competency in waiting}
        ready = {
            competency
            for competency in competencies
            if not any(
                child.competency_id in competencies
                for child in relations.children.get(competency, ())
            )
        }
        wave = {pair for pair in waiting if pair[1] in ready} or set(waiting)
        waves.append(wave)
        waiting -= wave
    return waves


def _ask_for_what_follows(
    district: int, moved: set[Pair], already: set[Pair], locked: Locked
) -> int:
    """Ask for the parents of what moved and for what it opens; return how many."""
    if not moved:
        return 0
    competencies = {competency for _, competency in moved}
    # What moved may date from before a link ended: then it belongs to that one's past.
    upwards, onwards = parents_of(competencies, ever=True), opened_by(competencies, ever=True)
    wanted = {
        (student, following)
        for student, competency in moved
        for following in upwards.get(competency, set()) | onwards.get(competency, set())
    }
    wanted -= already  # decided in this call, after what moved them
    queue.enqueue(district, wanted, locked=locked, priority=RecomputeRequest.FOLLOW_UP)
    return len(wanted)


def by_district(pairs: Collection[Pair]) -> dict[int, set[Pair]]:
    """Part pairs by the district of their students; one query."""
    students = {student for student, _ in pairs}
    districts = dict(Student.objects.filter(pk__in=students).values_list("pk", "district_id"))
    found: dict[int, set[Pair]] = defaultdict(set)
    for pair in pairs:
        found[districts[pair[0]]].add(pair)
    return found
