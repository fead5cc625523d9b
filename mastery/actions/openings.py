"""What a student may begin: once every prerequisite was mastered, it stays open."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from competencies.models import Prerequisite
from mastery.engine.availability import PrerequisiteLog, opened_at
from mastery.models import Opening
from mastery.queries.availability import is_earlier
from mastery.queries.family import first_evidence, mastery_changes, with_states

Pair = tuple[int, int]  # student id, competency id


def open_what_opens(district: int, pairs: Collection[Pair]) -> set[Pair]:
    """
    Log the opening of those ``pairs`` whose prerequisites were all mastered at once.

    Under the students' locks. Competencies without prerequisites are open to everyone and get
    no row. Five queries, one where none of the competencies has a prerequisite.
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
    needed = {
        (student, link.requires_id) for student, number in waiting for link in requires[number]
    }
    changes = mastery_changes(needed)
    begun = first_evidence(needed)
    silent = needed - with_states(needed) - begun.keys()
    instants = {
        (student, competency): opened_at(
            [
                PrerequisiteLog(
                    link.requires_id,
                    changes.get((student, link.requires_id), ()),
                    earlier_band=_is_earlier(link)
                    and (student, link.requires_id) in silent | begun.keys(),
                    first_evidence_at=begun.get((student, link.requires_id)),
                    since=link.since,
                    until=_until(link),
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
    links = Prerequisite.objects.filter(competency__in=competency_ids)
    for link in links.select_related("competency", "requires"):
        found[link.competency_id].append(link)
    return found


def _is_earlier(link: Prerequisite) -> bool:
    return is_earlier(link.requires.grade_levels, link.competency.grade_levels)


def _until(link: Prerequisite) -> datetime | None:
    """Return when it ended; one that is retired stands in no one's way."""
    ends = [instant for instant in (link.until, link.requires.retired_at) if instant is not None]
    return min(ends, default=None)
