"""The parts of an explanation, ready for a print or a file; docs/reports.md tells every field."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from mastery.engine import DecisionRecord
from mastery.engine.lines import AdvancementLine, JudgementLine
from mastery.queries.availability import AvailabilityPart

# Raise it when a field is renamed or changes its meaning; new fields may come without.
SCHEMA = "cairn.explanation.1"


@dataclass(frozen=True, slots=True)
class StudentPart:
    public_id: str
    name: str
    number: str

    @property
    def title(self) -> str:
        return f"{self.name} ({self.number})" if self.number else self.name


@dataclass(frozen=True, slots=True)
class CompetencyPart:
    identifier: str
    code: str
    statement: str
    framework: str

    @property
    def title(self) -> str:
        return f"{self.code} {self.statement}".strip()


@dataclass(frozen=True, slots=True)
class ChildLine:
    """One part that counts at the instant; ``mastered_at`` is when its own log says so."""

    identifier: str
    code: str
    statement: str
    decision: str
    decision_name: str
    mastered_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChildrenPart:
    """A competency by its parts: ``have`` of ``total`` are mastered, ``need`` would be enough."""

    decision: str
    decision_name: str
    basis: str
    rule: str  # all, k_of_n
    have: int
    need: int
    total: int
    sentence: str
    mastered_on: date | None
    judgements: tuple[JudgementLine, ...]
    children: tuple[ChildLine, ...]
    advancements: tuple[AdvancementLine, ...]


@dataclass(frozen=True, slots=True)
class PausedPart:
    """The last good value, while the calculation of the pair is paused."""

    decision: str
    decision_name: str
    computed_at: datetime | None
    sentence: str


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """A pair that this explanation rests on and that waits in the queue."""

    identifier: str
    code: str
    status: str  # updating, paused
    since: datetime
    sentence: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a student stands where they stand on a competency, with what was known at ``as_of``."""

    student: StudentPart
    competency: CompetencyPart
    as_of: datetime
    decision: str
    decision_name: str
    decided_by: str  # ratings, children
    paused: PausedPart | None
    ratings: DecisionRecord | None
    children: ChildrenPart | None
    availability: AvailabilityPart
    waiting: tuple[WaitingLine, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON, in the order of the fields; days and instants are ISO 8601."""
        ready: dict[str, Any] = _ready(asdict(self))
        return {"schema": SCHEMA} | ready

    def as_text(self) -> str:
        """Return it as lines of text, for a print or a letter."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.student.title}: {self.competency.title}"
        yield _("As of {at}, with what was known then").format(at=f"{self.as_of:%Y-%m-%d %H:%M %Z}")
        yield ""
        yield self.decision_name
        if self.paused:
            yield self.paused.sentence
        elif self.ratings and self.children:
            by_children = self.decided_by == "children"
            yield _("Decided by its parts.") if by_children else _("Decided by its own ratings.")
        if self.ratings:
            yield from _section(_("Its own ratings"), self.ratings.as_text().splitlines())
        if self.children:
            yield from _section(_("Its parts"), _children(self.children))
        yield ""
        yield self.availability.sentence
        yield from (line.sentence for line in self.waiting)


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield ""
    yield title
    yield from (f"  {line}" for line in lines)


def _children(part: ChildrenPart) -> Iterator[str]:
    yield part.sentence
    yield from (line.sentence for line in part.judgements)
    width = max((len(line.decision_name) for line in part.children), default=0)
    for line in part.children:
        name = f"{line.code} {line.statement}".strip()
        since = f" ({line.mastered_at:%Y-%m-%d})" if line.mastered_at else ""
        yield f"{line.decision_name:<{width}}  {name}{since}"
    yield from (line.sentence for line in part.advancements)


def _ready(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ready(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_ready(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value
