"""
Everything a decision depends on, read for many pairs at once.

Read it under the students' locks (students.actions.locks), or for a past instant: then nothing
that decides can appear afterwards.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from competencies.queries.policies import policy_timelines
from mastery.engine import values
from mastery.queries.policies import engine_versions, timeline

Pair = tuple[int, int]  # student id, competency id

_RATINGS = """
SELECT r.student_id, r.competency_id,
       r.id, r.chain, r.piece, r.evidence_id, r.points, r.mark, r.demonstrated_on, r.position,
       r.recorded_at, r.first_recorded_at, r.voided_at, e.released_at, e.confirmed_at,
       e.by_substitute, r.task, r.kind, r.purpose, r.application, r.setting, r.conditions,
       r.assessor_id, r.scale_id, r.policy_version_id
FROM unnest(%s::int[], %s::int[]) AS pair (student_id, competency_id)
JOIN assessments_rating r USING (student_id, competency_id)
JOIN assessments_evidence e ON e.id = r.evidence_id
ORDER BY r.id
"""
_JUDGEMENTS = """
SELECT j.student_id, j.competency_id,
       j.id, j.kind, j.recorded_at, j.recorded_by_id, j.saw_rating, j.mastered, j.level,
       j.starts_on, j.ends_at, j.reason
FROM unnest(%s::int[], %s::int[]) AS pair (student_id, competency_id)
JOIN mastery_judgement j USING (student_id, competency_id)
ORDER BY j.id
"""


@dataclass(frozen=True, slots=True)
class PairLogs:
    """The logs of the pairs asked for; a pair without any is there, with none."""

    logs: dict[Pair, values.Logs]

    def is_empty(self, pair: Pair) -> bool:
        """Test if nothing was ever recorded for the pair itself."""
        found = self.logs[pair]
        return not found.ratings and not found.judgements


def pair_logs(district_id: int, pairs: Collection[Pair]) -> PairLogs:
    """
    Return the logs of pairs of one district, whole: as-of is the engine's work.

    Six queries, or seven with a subtree placement, whatever the number of pairs.
    """
    columns = [list(column) for column in zip(*pairs, strict=True)] or [[], []]
    ratings = _grouped(_RATINGS, columns)
    judgements = _grouped(_JUDGEMENTS, columns)
    in_force = policy_timelines(district_id, {competency for _, competency in pairs})
    versions = engine_versions(
        {entry.version_id for entries in in_force.values() for entry in entries}
        | {row[-1] for rows in ratings.values() for row in rows}
    )
    timelines = {
        competency: timeline(entries, versions) for competency, entries in in_force.items()
    }
    return PairLogs(
        {
            pair: values.Logs(
                ratings=tuple(_rating(row) for row in ratings.get(pair, ())),
                judgements=tuple(_judgement(row) for row in judgements.get(pair, ())),
                policies=timelines[pair[1]],
                versions=versions,
            )
            for pair in pairs
        }
    )


def _grouped(sql: str, columns: list[list[int]]) -> dict[Pair, list[tuple[Any, ...]]]:
    found: dict[Pair, list[tuple[Any, ...]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(sql, columns)
        for student, competency, *row in cursor.fetchall():
            found[student, competency].append(tuple(row))
    return found


def _rating(row: tuple[Any, ...]) -> values.Rating:
    number, chain, piece, evidence, points, mark, *rest = row
    return values.Rating(number, chain, piece, evidence, points, values.Mark(mark), *rest)


def _judgement(row: Iterable[Any]) -> values.Judgement:
    return values.Judgement(*row)
