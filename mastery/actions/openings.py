"""What a student may begin: once every prerequisite was mastered, it stays open."""

from collections import defaultdict
from collections.abc import Collection

from competencies.models import Prerequisite
from mastery.engine.availability import PrerequisiteLog, opened_at
from mastery.models import Opening
from mastery.queries.family import mastery_changes

Pair = tuple[int, int]  # student id, competency id


def open_what_opens(district: int, pairs: Collection[Pair]) -> set[Pair]:
    """
    Log the opening of those ``pairs`` whose prerequisites were all mastered at once.

    Under the students' locks. Competencies without prerequisites are open to everyone and get
    no row. Three queries, one where none of the competencies has a prerequisite.
    """
    requires = _requirements({competency for _, competency in pairs})
    waiting = {pair for pair in pairs if pair[1] in requires}
    if not waiting:
        return set()
    changes = mastery_changes(
        {(student, needed) for student, competency in waiting for needed in requires[competency]}
    )
    opened = {}
    for student, competency in sorted(waiting):
        instant = opened_at(
            [
                PrerequisiteLog(needed, changes.get((student, needed), ()))
                for needed in requires[competency]
            ]
        )
        if instant is not None:
            opened[student, competency] = instant
    Opening.objects.bulk_create(
        [
            Opening(
                student_id=student, competency_id=competency, district_id=district, opened_at=at
            )
            for (student, competency), at in opened.items()
        ],
        ignore_conflicts=True,
    )
    return set(opened)


def _requirements(competency_ids: Collection[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    edges = Prerequisite.objects.filter(competency__in=competency_ids, until__isnull=True)
    for competency, needed in edges.values_list("competency_id", "requires_id"):
        found[competency].append(needed)
    return found
