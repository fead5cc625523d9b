"""What a student may begin: once every prerequisite was mastered, it stays open."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

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
    opened = openings_due(pairs)
    Opening.objects.bulk_create(
        [
            Opening(
                student_id=student, competency_id=competency, district_id=district, opened_at=at
            )
            for (student, competency), at in sorted(opened.items())
        ],
        ignore_conflicts=True,
    )
    return set(opened)


def openings_due(pairs: Collection[Pair]) -> dict[Pair, datetime]:
    """Return when those of ``pairs`` opened whose prerequisites were all mastered at once."""
    requires = _requirements({competency for _, competency in pairs})
    waiting = {pair for pair in pairs if pair[1] in requires}
    if not waiting:
        return {}
    changes = mastery_changes(
        {(student, link.requires_id) for student, number in waiting for link in requires[number]}
    )
    instants = {
        (student, competency): opened_at(
            [
                PrerequisiteLog(
                    link.requires_id,
                    changes.get((student, link.requires_id), ()),
                    since=link.since,
                    until=link.until,
                )
                for link in requires[competency]
            ]
        )
        for student, competency in waiting
    }
    return {pair: instant for pair, instant in instants.items() if instant is not None}


def _requirements(competency_ids: Collection[int]) -> dict[int, list[Prerequisite]]:
    """Return the links of each, those that ended too: what opened by them stays open."""
    found: dict[int, list[Prerequisite]] = defaultdict(list)
    for link in Prerequisite.objects.filter(competency__in=competency_ids):
        found[link.competency_id].append(link)
    return found
