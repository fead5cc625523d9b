"""The parts of a decision record: plain values, ready for a page, a print or a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Names:
    """What the caller calls things; where a name is missing the record shows the number."""

    tasks: Mapping[int, str] = field(default_factory=dict)
    assessors: Mapping[int, str] = field(default_factory=dict)  # and other people
    kinds: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule of the policy in force, measured now. The level's numbers are 1/10_000."""

    rule: str
    have: int | None
    need: int
    met: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class PieceLine:
    """One counted piece."""

    piece: int
    task: str
    kind: str
    day: date
    level: int | None
    level_name: str
    points: str
    assessors: tuple[str, ...]
    ratings: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NotCountedLine:
    """One rating that does not count, and why."""

    rating: int
    piece: int
    task: str
    day: date
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class DecidingPart:
    """What a standing advancement rests on; the pieces are those inside the method's window."""

    policy: str
    policy_version: int
    target: int
    target_name: str
    own_target: bool
    pieces: tuple[int, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class JudgementLine:
    """A person's word that stands beside, or in front of, the calculation."""

    judgement: int
    kind: str
    by: str
    recorded_at: datetime
    ends_at: datetime | None
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class StepLine:
    """The one next step."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """The smallest change that would make it mastered."""

    code: str
    pieces: int | None
    level: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class AdvancementLine:
    """One entry of the log of advancements."""

    number: int
    kind: str
    basis: str
    mastered_on: date | None
    decided_at: datetime
    cause: str
    cause_id: int | None
    pieces: tuple[int, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """The why of a decision. Everything in it is what was known at ``as_of``."""

    as_of: datetime
    decision: str
    decision_name: str
    basis: str
    level: int | None
    level_name: str
    shown: str
    policy: str
    policy_version: int
    target: int
    target_name: str
    own_target: bool
    calculated: str  # the decision by evidence alone
    rules: tuple[RuleLine, ...]
    calculation: str
    deciding: DecidingPart | None
    judgements: tuple[JudgementLine, ...]
    counted: tuple[PieceLine, ...]
    not_counted: tuple[NotCountedLine, ...]
    next_step: StepLine
    what_would_change_it: ChangeLine | None
    mastered_on: date | None
    refresh_on: date | None
    look_again_on: date | None
    stale_override: bool
    advancements: tuple[AdvancementLine, ...]
    inputs_hash: int

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON, in the order of the fields; days and instants are ISO 8601."""
        ready: dict[str, Any] = _ready(asdict(self))
        return ready

    def as_text(self) -> str:
        """Return it as lines of text, for a print or a letter."""
        lines = [
            f"{self.shown} — {self.decision_name}",
            f"{self.policy}, {self.as_of:%Y-%m-%d %H:%M %Z}",
            self.calculation,
            *(f"{'✓' if rule.met else '·'} {rule.sentence}" for rule in self.rules),
            *([self.deciding.sentence] if self.deciding else []),
            *(line.sentence for line in self.judgements),
            *(f"{one.day} {one.task}: {one.level_name} ({one.points})" for one in self.counted),
            *(f"{one.day} {one.task}: {one.sentence}" for one in self.not_counted),
            self.next_step.sentence,
            *([self.what_would_change_it.sentence] if self.what_would_change_it else []),
            *(line.sentence for line in self.advancements),
        ]
        return "\n".join(line for line in lines if line)


def _ready(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ready(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_ready(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value
