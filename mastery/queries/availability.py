"""Whether a competency is open to a student at an instant, and how far what it needs is."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from competencies.models import Competency
from competencies.queries import tree
from mastery.engine import availability, values
from mastery.engine.availability import PrerequisiteStatus
from mastery.engine.what_if import smallest_change
from mastery.models import Opening
from mastery.queries.standings import Standing, standings
from students.models import Student

# Grades from the youngest on, as CEDS and most frameworks write them.
_GRADES = ["IT", "PR", "PK", "TK", "KG", "K", *(f"{grade:02}" for grade in range(1, 14))]


@dataclass(frozen=True, slots=True)
class NeedLine:
    """
    A prerequisite still in the way.

    ``have`` of ``need`` are pieces at the target, or parts; both None where that tells nothing.
    """

    identifier: str
    code: str
    statement: str
    decision: str
    have: int | None
    need: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class AvailabilityPart:
    """``opened_at`` is when every prerequisite was first mastered: once open, always open."""

    open: bool
    opened_at: datetime | None
    needs: tuple[NeedLine, ...]
    sentence: str


def available(student: Student, competency: Competency, at: datetime) -> AvailabilityPart:
    """Return whether ``competency`` was open to ``student`` at ``at``; see ``standings``."""
    required = tree.prerequisites([competency.pk], at=at)[competency.pk]
    standing = standings(student, required, at) if required else {}
    return from_standings(student, competency, required, standing, at)


def from_standings(
    student: Student,
    competency: Competency,
    required: Collection[int],
    standing: Mapping[int, Standing],
    at: datetime,
) -> AvailabilityPart:
    """Return the same from standings that are already known; two queries."""
    rows = Competency.objects.in_bulk(required)
    distances = {number: _distance(standing[number], at) for number in required}
    opened_at = (
        Opening.objects.filter(student=student, competency=competency, opened_at__lte=at)
        .values_list("opened_at", flat=True)
        .first()
    )
    found = availability(
        [
            PrerequisiteStatus(
                competency=number,
                mastered=standing[number].decision == values.Decision.MASTERED,
                has_evidence=standing[number].decision != values.Decision.NO_EVIDENCE,
                earlier_band=is_earlier(rows[number].grade_levels, competency.grade_levels),
                have=distances[number].have,
                need=distances[number].need,
            )
            for number in required
        ],
        opened_at,
    )
    needs = tuple(
        NeedLine(
            identifier=str(rows[one.competency].identifier),
            code=rows[one.competency].code,
            statement=rows[one.competency].statement,
            decision=standing[one.competency].decision.value,
            have=one.have,
            need=one.need,
            sentence=distances[one.competency].sentence(rows[one.competency]),
        )
        for one in found.needs
    )
    return AvailabilityPart(found.open, opened_at, needs, _sentence(found.open, opened_at, needs))


def is_earlier(grades: Iterable[str], than: Iterable[str]) -> bool:
    """Test if every one of ``grades`` comes before all of ``than``; unknown ones never do."""
    before, after = _places(grades), _places(than)
    return bool(before and after) and max(before) < min(after)


def _places(grades: Iterable[str]) -> list[int]:
    """Return the places of grades from the youngest on; none if one of them is unknown."""
    written = [grade.zfill(2) if grade.isdecimal() else grade.upper() for grade in grades]
    return [_GRADES.index(one) for one in written] if set(written) <= set(_GRADES) else []


@dataclass(frozen=True, slots=True)
class _Distance:
    template: str
    have: int | None = None
    need: int | None = None
    level: str = ""

    def sentence(self, competency: Competency) -> str:
        return self.template.format(
            name=str(competency), have=self.have, need=self.need, level=self.level
        )


def _distance(standing: Standing, at: datetime) -> _Distance:
    if standing.by_children and standing.rollup:
        outcome = standing.rollup.outcome
        return _Distance(_("{name}: {have} of {need} parts"), outcome.have, outcome.need)
    if standing.outcome is None:
        return _Distance(_("{name}: calculation paused"))
    change = smallest_change(standing.logs, at, standing.outcome)
    if change is not None and change.code == "confirmation":
        return _Distance(_("{name}: waiting for a teacher's confirmation"))
    if change is None or change.pieces is None or change.level is None:
        return _Distance("{name}")
    version = standing.outcome.working.version
    asked = version.method.n or standing.outcome.state.counted + change.pieces
    need = max(asked, change.pieces)
    level = version.scale.level(change.level).name
    return _Distance(_("{name}: {have} of {need} at {level}"), need - change.pieces, need, level)


def _sentence(is_open: bool, opened_at: datetime | None, needs: Collection[NeedLine]) -> str:
    if not is_open:
        return _("Needs {needs}").format(needs="; ".join(need.sentence for need in needs))
    if opened_at is None:
        return _("Open")
    return _("Open since {day}").format(day=f"{opened_at:%Y-%m-%d}")
