"""Which pairs wait to be recomputed, and what is shown of them until then."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from competencies.models import Competency
from mastery.models import MasteryState, RecomputeRequest
from mastery.queries.family import opened_by, parents_of
from students.models import Student


@dataclass(frozen=True, slots=True)
class Waiting:
    """
    A pair in the queue. ``paused``: its calculation went wrong and is not tried again here.

    ``stored`` is the last good state, None where there never was one.
    """

    competency_id: int
    since: datetime
    paused: bool
    stored: MasteryState | None


def waiting(student: Student, competency_ids: Collection[int]) -> dict[int, Waiting]:
    """Return those of the competencies on which ``student`` waits in the queue; two queries."""
    requests = RecomputeRequest.objects.filter(
        student_id=student.pk, competency_id__in=competency_ids
    )
    rows = {row.competency_id: row for row in requests.order_by("competency_id")}
    stored = {
        state.competency_id: state
        for state in MasteryState.objects.filter(student=student, competency__in=rows.keys())
    }
    return {
        number: Waiting(
            competency_id=number,
            since=row.first_at,
            paused=row.quarantined_at is not None or row.last_error != "",
            stored=stored.get(number),
        )
        for number, row in rows.items()
    }


def followers(student: Student, competency: Competency) -> tuple[str, ...]:
    """
    Return what waits in the queue because of ``competency``: itself, its parents, what it opens.

    In words, by code; four queries.
    """
    own = {competency.pk}
    upwards = parents_of(own)[competency.pk]
    onwards = opened_by(own)[competency.pk]
    queued = waiting(student, own | upwards | onwards)
    rows = Competency.objects.filter(pk__in=queued.keys()).order_by("code", "pk")
    return tuple(f"{row} ({_why(row.pk, upwards, onwards)})" for row in rows)


def _why(number: int, upwards: Collection[int], onwards: Collection[int]) -> str:
    if number in upwards:
        return _("the whole it is part of")
    return _("what it opens") if number in onwards else _("updating")
