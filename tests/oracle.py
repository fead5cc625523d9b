"""
What every state, advancement and opening should be, worked out anew from the logs.

It reads the rows with its own statements and calls the engine itself: nothing of what writes
states is used. A parent is decided by what its children's own logs say, not by what is stored.
Policies and the tree are read by the product's queries, on the default connection.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from competencies.models import ParentEdge, Prerequisite
from competencies.queries.policies import policy_timelines
from mastery.actions.store import COMPARED
from mastery.engine import decide, rollup, values
from mastery.engine.availability import PrerequisiteLog, opened_at
from mastery.models import Advancement, MasteryState
from mastery.queries.family import Family, family
from mastery.queries.policies import engine_versions, timeline

Pair = tuple[int, int]  # student id, competency id

_RATINGS = """
SELECT r.student_id, r.competency_id, r.id, r.chain, r.piece, r.evidence_id, r.points, r.mark,
       r.demonstrated_on, r.position, r.recorded_at, r.first_recorded_at, r.voided_at,
       e.released_at, e.confirmed_at, e.by_substitute, r.task, r.kind, r.purpose, r.application,
       r.setting, r.conditions, r.assessor_id, r.scale_id, r.policy_version_id
FROM assessments_rating r JOIN assessments_evidence e ON e.id = r.evidence_id ORDER BY r.id
"""
_JUDGEMENTS = """
SELECT student_id, competency_id, id, kind, recorded_at, recorded_by_id, saw_rating, mastered,
       level, starts_on, ends_at, reason
FROM mastery_judgement ORDER BY id
"""
_ADVANCED = (
    *("number", "kind", "basis", "mastered_on", "decided_at", "cause", "cause_id"),
    *("policy_version", "target", "pieces", "deciding"),
)


@dataclass(slots=True)
class Expected:
    """What must be stored for one pair."""

    columns: Mapping[str, Any]
    advancements: list[dict[str, Any]]

    @property
    def changes(self) -> tuple[tuple[datetime, bool], ...]:
        """Return when it became mastered and when it was reopened."""
        return tuple((row["decided_at"], row["kind"] != "reopened") for row in self.advancements)


@dataclass
class Logs:
    """Every row that decides, of every district."""

    ratings: dict[Pair, list[values.Rating]] = field(default_factory=lambda: defaultdict(list))
    judgements: dict[Pair, list[values.Judgement]] = field(
        default_factory=lambda: defaultdict(list)
    )
    districts: dict[int, int] = field(default_factory=dict)  # of each student

    def competencies(self) -> set[int]:
        return {competency for _, competency in self.ratings.keys() | self.judgements.keys()}


def mismatches(
    connection: Any, at: datetime | None = None, *, district: int | None = None
) -> list[str]:
    """
    Return every difference between what is stored and what the logs say at ``at`` (None: now).

    In one ``district``, or in all of them.

    One line a difference, naming the pair; nothing: every state equals a replay, every
    advancement is there once, everything that opened is open and nothing else is. Pairs that
    wait in the queue are compared like any other: drain first.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
        logs = _read(cursor)
    found: list[str] = []
    for number in sorted(set(logs.districts.values())):
        if district in {None, number}:
            of_district = _District(number, logs, at or now)
            expected = of_district.expected()
            found += _states(connection, expected, number)
            found += _advancements(connection, expected, number)
            found += _openings(connection, of_district)
    return found


def _read(cursor: Any) -> Logs:
    logs = Logs()
    cursor.execute("SELECT id, district_id FROM students_student")
    logs.districts = dict(cursor.fetchall())
    cursor.execute(_RATINGS)
    for student, competency, number, chain, piece, evidence, points, mark, *rest in cursor:
        logs.ratings[student, competency].append(
            values.Rating(number, chain, piece, evidence, points, values.Mark(mark), *rest)
        )
    cursor.execute(_JUDGEMENTS)
    for student, competency, *rest in cursor:
        logs.judgements[student, competency].append(values.Judgement(*rest))
    return logs


class _District:
    """The pairs of one district, each decided once and children before their parents."""

    def __init__(self, district: int, logs: Logs, at: datetime) -> None:
        self.logs, self.at = logs, at
        self.students = {s for s, of in logs.districts.items() if of == district}
        edges = ParentEdge.objects.filter(parent__isnull=False).values_list("child_id", "parent_id")
        self.edges = list(edges)
        self.competencies = logs.competencies() | {number for edge in self.edges for number in edge}
        self.family: Family = family(district, self.competencies)
        entries = policy_timelines(district, self.competencies)
        pinned = {rating.policy_version for of in logs.ratings.values() for rating in of}
        in_force = {entry.version_id for of in entries.values() for entry in of}
        self.versions = engine_versions(pinned | in_force)
        self.policies = {number: timeline(of, self.versions) for number, of in entries.items()}
        self.pair = cache(self._pair)

    def expected(self) -> dict[Pair, Expected]:
        found = {
            (student, competency): self.pair((student, competency))
            for student in self.students
            for competency in self.competencies
        }
        return {pair: said for pair, said in found.items() if said is not None}

    def _pair(self, pair: Pair) -> Expected | None:
        if pair[1] in self.family.decided_by_children:
            return self._by_children(pair)
        ratings = tuple(self.logs.ratings.get(pair, ()))
        judgements = tuple(self.logs.judgements.get(pair, ()))
        if not ratings and not judgements:
            return None
        logs = values.Logs(ratings, judgements, self.policies[pair[1]], self.versions)
        outcome = decide(logs, self.at)
        return Expected(_columns(outcome.state), [_row(said) for said in outcome.advancements])

    def _by_children(self, pair: Pair) -> Expected | None:
        student, competency = pair
        judgements = tuple(self.logs.judgements.get(pair, ()))
        children = [
            (edge, self.pair((student, edge.competency_id)))
            for edge in self.family.children[competency]
        ]
        if not judgements and not any(said for _, said in children):
            return None
        first, *later = self.family.rules[competency]
        outcome = rollup.decide_rollup(
            first.rule,
            [
                rollup.ChildLog(
                    competency=edge.competency_id,
                    since=edge.since,
                    until=edge.until,
                    changes=((edge.since, False), *said.changes) if said else (),
                )
                for edge, said in children
            ],
            later,
            judgements,
            self.at,
        )
        ends = [said.ends_at for said in judgements if said.ends_at and said.ends_at > self.at]
        pieces = {rating.piece for rating in self.logs.ratings.get(pair, ())}
        columns = _NO_COLUMNS | {
            "decision": str(outcome.decision),
            "basis": str(outcome.basis),
            "not_counted": len(pieces),
            "children_have": outcome.have,
            "children_need": outcome.need,
            "children_total": outcome.total,
            "mastered_on": outcome.mastered_on,
            "valid_until": min(ends, default=None),
        }
        return Expected(columns, [_row(said) for said in outcome.advancements])

    def openings(self) -> dict[Pair, datetime]:
        """Return when each competency with prerequisites opened for each student."""
        found = {}
        for competency, links in _requirements().items():
            for student in self.students:
                logs = []
                for needed, since, until in links:
                    said = self.pair((student, needed)) if needed in self.policies else None
                    changes = said.changes if said else ()
                    logs.append(PrerequisiteLog(needed, changes, since=since, until=until))
                opened = opened_at(logs)
                if opened is not None:
                    found[student, competency] = opened
        return found


_NO_COLUMNS: dict[str, Any] = dict.fromkeys(COMPARED) | {
    "shown": {},
    "provisional": False,
    "counted": 0,
    "unmet": [],
    "next_step": {},
    "inputs_hash": 0,
}


def _columns(state: values.State) -> dict[str, Any]:
    shown = asdict(state.shown)
    named = {
        name: getattr(state, name)
        for name in (
            *("level", "counted", "not_counted", "mastered_on", "refresh_on", "look_again_on"),
            *("valid_until", "target", "inputs_hash"),
        )
    }
    step = {"code": state.next_step, **dict(state.next_step_params)} if state.next_step else {}
    return (
        _NO_COLUMNS
        | named
        | {
            "decision": str(state.decision),
            "basis": str(state.basis),
            "shown_level": shown.pop("level"),
            "provisional": shown.pop("provisional"),
            "shown": {name: said for name, said in shown.items() if said not in (None, False)},
            "estimate": state.estimate.stored if state.estimate else None,
            "unmet": list(state.unmet),
            "next_step": step,
            "policy_version_id": state.policy_version,
        }
    )


def _row(said: values.Advancement) -> dict[str, Any]:
    row = {name: getattr(said, name) for name in _ADVANCED}
    return row | {
        "kind": str(said.kind),
        "basis": str(said.basis),
        "pieces": list(said.pieces),
        "deciding": list(said.deciding),
    }


def _requirements() -> dict[int, list[tuple[int, datetime, datetime | None]]]:
    """Return what each competency requires, or once did, with the dates of the link."""
    found: dict[int, list[tuple[int, datetime, datetime | None]]] = defaultdict(list)
    links = Prerequisite.objects.values_list("competency_id", "requires_id", "since", "until")
    for competency, *link in links:
        found[competency].append((link[0], link[1], link[2]))
    return found


def _states(connection: Any, expected: Mapping[Pair, Expected], district: int) -> list[str]:
    rows = (
        MasteryState.objects.using(connection.alias)
        .filter(district=district)
        .values("student_id", "competency_id", *COMPARED)
    )
    stored = {(row.pop("student_id"), row.pop("competency_id")): row for row in rows}
    found = [f"{pair}: no state" for pair in sorted(expected.keys() - stored.keys())]
    found += [f"{pair}: a state of nothing" for pair in sorted(stored.keys() - expected.keys())]
    for pair in sorted(stored.keys() & expected.keys()):
        said, should = stored[pair], expected[pair].columns
        found += [
            f"{pair}: {name} is {said[name]!r} and should be {should[name]!r}"
            for name in COMPARED
            if said[name] != should[name]
        ]
    return found


def _advancements(connection: Any, expected: Mapping[Pair, Expected], district: int) -> list[str]:
    stored: dict[Pair, list[dict[str, Any]]] = defaultdict(list)
    rows = (
        Advancement.objects.using(connection.alias)
        .filter(district=district)
        .order_by("number", "pk")
    )
    for row in rows.values("student_id", "competency_id", *_ADVANCED):
        stored[row.pop("student_id"), row.pop("competency_id")].append(row)
    return [
        f"{pair}: its advancements are {stored.get(pair, [])} and should be {should}"
        for pair in sorted(stored.keys() | expected.keys())
        if stored.get(pair, [])
        != (should := expected[pair].advancements if pair in expected else [])
    ]


def _openings(connection: Any, of_district: _District) -> list[str]:
    should = of_district.openings()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT student_id, competency_id, opened_at FROM mastery_opening"
            " WHERE student_id = ANY(%s)",
            [list(of_district.students)],
        )
        stored = {(student, competency): at for student, competency, at in cursor}
    found = [
        f"{pair}: opened at {stored.get(pair)} and should have at {at}"
        for pair, at in sorted(should.items())
        if stored.get(pair) != at
    ]
    return found + [
        f"{pair}: open without reason" for pair in sorted(stored.keys() - should.keys())
    ]
