"""
The plain values that the engine reads and returns.

Units, everywhere in the engine: points are whole hundredths of a point (3 points = 300), cuts are
whole 1/10_000 of a point (3 points = 30_000), instants are timezone-aware, days are dates in the
school's time zone. Levels are named by their position on the scale, the lowest is 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum, StrEnum
from itertools import pairwise
from typing import NamedTuple

from mastery.engine.gates import check_gate
from mastery.engine.methods import check_method, window

RATER_RULES = frozenset({"lower_median"})
REASSESSMENTS = frozenset({"adds", "replaces"})
JUDGEMENTS = frozenset(
    {
        "confirmation",
        "refusal",
        "override",
        "override_end",
        "reopening",
        "prior_standing",
        "own_target",
    }
)


class Mark(IntEnum):
    """What a rating says; only ``RATED`` carries points, the others are never zero."""

    RATED = 1
    NOT_SHOWN = 2
    MISSED = 3
    EXCUSED = 4


class Decision(StrEnum):
    """The standing of a pair; ``NONE`` is the decision of a policy that only describes."""

    NO_EVIDENCE = "no_evidence"
    NOT_YET = "not_yet"
    AWAITING = "awaiting_confirmation"
    MASTERED = "mastered"
    NONE = "none"


class Basis(StrEnum):
    """What a decision rests on."""

    EVIDENCE = "evidence"
    OVERRIDE = "override"
    PRIOR = "prior_standing"
    ROLLUP = "rollup"


class AdvancementKind(StrEnum):
    """What an advancement says: became mastered, rests on other ground, is open again."""

    MASTERED = "mastered"
    REDATED = "redated"
    REOPENED = "reopened"


@dataclass(frozen=True, slots=True)
class Level:
    """One step of a scale."""

    position: int  # 1 is the lowest
    name: str
    points: int  # hundredths


@dataclass(frozen=True, slots=True)
class Scale:
    """Levels from the lowest to the highest."""

    id: int
    levels: tuple[Level, ...]

    def __post_init__(self) -> None:
        if not self.levels:
            raise ValueError("A scale needs at least one level.")
        if [level.position for level in self.levels] != [*range(1, len(self.levels) + 1)]:
            raise ValueError("The levels of a scale must have the positions 1, 2, 3 and so on.")
        if not _ascending([level.points for level in self.levels]):
            raise ValueError("Each level of a scale must have more points than the one below it.")

    def level(self, position: int) -> Level:
        """Return the level at ``position``."""
        return self.levels[position - 1]


@dataclass(frozen=True, slots=True)
class Method:
    """How a list of points becomes one estimate; which numbers are used depends on the name."""

    name: str
    n: int | None = None  # n_of_last_m: how many pieces carry the estimate
    m: int | None = None  # n_of_last_m: of how many last pieces; None: of all
    p: int | None = None  # decaying_average: the newest piece weighs p / q
    q: int | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """One evidence requirement beside the level."""

    kind: str
    need: int


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """
    One immutable version of the rule that decides.

    :raises ValueError: if no evidence could be judged by it; the message is fit to show.
    """

    id: int
    name: str
    number: int
    scale: Scale
    method: Method
    target: int  # level position
    cuts: tuple[int, ...]  # 1/10_000 of a point, one a level
    minimum_pieces: int = 2
    gates: tuple[Gate, ...] = ()
    purposes: frozenset[int] = frozenset()  # empty: all count
    kinds: frozenset[int] = frozenset()  # empty: all count
    rater_rule: str = "lower_median"
    reassessment: str = "adds"
    confirmation: bool = False
    decides: bool = True  # False: describe only
    refresh_months: int | None = None

    def __post_init__(self) -> None:
        check_method(self.method)
        self._check_levels()
        self._check_gates()
        if self.minimum_pieces < 1:
            raise ValueError("A policy must ask for at least one piece.")
        if self.rater_rule not in RATER_RULES:
            raise ValueError(f"There is no rater rule named {self.rater_rule!r}.")
        if self.reassessment not in REASSESSMENTS:
            raise ValueError(f"Reassessment adds or replaces, not {self.reassessment!r}.")
        if self.refresh_months is not None and self.refresh_months < 1:
            raise ValueError("A refresh comes after at least one month.")

    def _check_levels(self) -> None:
        levels = len(self.scale.levels)
        if not 1 <= self.target <= levels:
            raise ValueError(f"The target {self.target} is not one of the {levels} levels.")
        if len(self.cuts) != levels:
            raise ValueError(f"{levels} levels need {levels} cuts, not {len(self.cuts)}.")
        if not _ascending(self.cuts):
            raise ValueError("Each level's cut must be above the cut of the level below it.")

    def _check_gates(self) -> None:
        for gate in self.gates:
            check_gate(gate, window(self.method))
        if len({gate.kind for gate in self.gates}) < len(self.gates):
            raise ValueError("A policy can have each gate only once.")


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """From when a version judges a pair; ``recompute``: earlier evidence as well."""

    starts_at: datetime | None  # None: since ever
    version: PolicyVersion
    recompute: bool = False
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Rating:
    """One assessor's level for one piece, as it was recorded."""

    id: int
    chain: int  # id of the first rating of its chain of corrections
    piece: int  # id of the first evidence of the chain; ratings with one piece are one piece
    evidence: int
    points: int | None  # hundredths; None unless rated
    mark: Mark
    demonstrated_on: date
    position: int
    recorded_at: datetime
    first_recorded_at: datetime
    voided_at: datetime | None
    released_at: datetime | None
    confirmed_at: datetime | None
    needs_confirmation: bool
    task: int
    kind: int
    purpose: int
    application: bool
    setting: int | None
    conditions: int  # 1 independent, 2 with support, 3 group
    assessor: int | None
    scale: int
    policy_version: int  # pinned when it was recorded


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    A named person's word about a pair.

    :raises ValueError: if it lacks what its kind must say.
    """

    id: int
    kind: str
    recorded_at: datetime
    by: int | None = None
    saw_rating: int | None = None  # confirmation, refusal
    mastered: bool | None = None  # override, prior standing
    level: int | None = None  # override, prior standing, own target (None: the policy's again)
    starts_on: date | None = None
    ends_at: datetime | None = None  # override: its end; own target: the first day without it
    reason: str = ""

    def __post_init__(self) -> None:
        if self.kind not in JUDGEMENTS:
            raise ValueError(f"There is no judgement of the kind {self.kind!r}.")
        if self.kind in {"confirmation", "refusal"} and self.saw_rating is None:
            raise ValueError(f"A {self.kind} must name the last rating it saw.")
        if self.kind in {"override", "prior_standing"} and self.mastered is self.level is None:
            raise ValueError(f"A judgement of the kind {self.kind} must say mastered or a level.")


@dataclass(frozen=True, slots=True)
class Logs:
    """Everything a decision about one pair depends on, in any order but for the timeline."""

    ratings: tuple[Rating, ...]
    judgements: tuple[Judgement, ...]
    policies: tuple[PolicyInForce, ...]  # ascending by start
    versions: Mapping[int, PolicyVersion]  # every pinned version as well


@dataclass(frozen=True, slots=True)
class Estimate:
    """An exact number of hundredths of a point: ``number / den``."""

    number: int
    den: int

    @property
    def stored(self) -> int:
        """Return it in 1/10_000 of a point, rounded half up; for storing and showing only."""
        return half_up(self.number * 100, self.den)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a chip shows. Levels are positions on the scale of the version in force."""

    level: int | None = None
    so_far: bool = False
    have: int | None = None
    need: int | None = None
    held: int | None = None
    provisional: bool = False
    recent: int | None = None
    own_target: bool = False
    by_teacher: bool = False
    prior: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """The derived standing of a pair at an instant."""

    decision: Decision
    basis: Basis
    level: int | None  # the level now: the highest that holds, by the version in force
    estimate: Estimate | None
    shown: Shown
    counted: int  # pieces
    not_counted: int  # pieces
    unmet: tuple[str, ...]  # names of rules
    mastered_on: date | None
    refresh_on: date | None
    look_again_on: date | None
    stale_override: bool
    policy_version: int
    target: int
    next_step: str
    next_step_params: tuple[tuple[str, int], ...]
    valid_until: datetime | None
    inputs_hash: int  # signed, 64 bits


@dataclass(frozen=True, slots=True)
class Advancement:
    """The logged fact that a pair became mastered, rests on other ground, or was reopened."""

    number: int  # 1, 2, 3 … of the pair
    kind: AdvancementKind
    basis: Basis
    mastered_on: date | None
    decided_at: datetime
    cause: str
    cause_id: int | None  # a rating, judgement or policy version, as the cause says
    policy_version: int | None = None  # what its pieces were judged by, if it rests on evidence
    target: int | None = None
    pieces: tuple[int, ...] = ()  # the prefix that made it, in order
    deciding: tuple[int, ...] = ()  # those inside the method's window


class Piece(NamedTuple):
    """What counts once: one thing one student did, with its raters combined."""

    key: tuple[date, int, int]  # day demonstrated, position, id: the order of the list
    id: int
    points: int  # hundredths
    task: int
    application: bool
    conditions: int
    policy_version: int  # pinned on its first rating
    first_recorded_at: datetime
    recorded_at: datetime  # of the newest rating in it
    ratings: tuple[int, ...]  # ids, by chain

    @property
    def day(self) -> date:
        """Return the day the work was done."""
        return self.key[0]


class Check(NamedTuple):
    """One rule, measured on a list of pieces."""

    rule: str
    have: int | None
    need: int
    met: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """The prefix that made the pair mastered, and what it was judged by."""

    serial: int  # which one of the replay; it stays the same one when its day is corrected
    version: PolicyVersion
    place: int  # of the version in the timeline
    target: int
    own_target: bool
    pieces: tuple[int, ...]  # the whole prefix; one voided since is still named
    deciding: tuple[int, ...]  # those inside the method's window
    last: tuple[date, int, int]  # key of its last piece, as it stands now

    @property
    def mastered_on(self) -> date:
        """Return the day of its last piece."""
        return self.last[0]


@dataclass(frozen=True, slots=True)
class Working:
    """How the state came about: what the decision record is built from."""

    version: PolicyVersion  # in force
    target: int
    own_target: bool
    pieces: tuple[Piece, ...]  # counted by the version in force, in order
    not_counted: tuple[tuple[int, str], ...]  # rating id and reason, by id
    checks: tuple[Check, ...]  # on those pieces
    calculated: Decision  # by the evidence alone, beside any judgement
    standing: Standing | None
    override: Judgement | None
    prior: Judgement | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer of the engine for one pair at one instant."""

    state: State
    advancements: tuple[Advancement, ...]
    working: Working


def half_up(number: int, den: int) -> int:
    """Return ``number / den`` rounded to a whole number, halves up; ``den`` is positive."""
    return (2 * number + den) // (2 * den)


def _ascending(numbers: Sequence[int]) -> bool:
    return all(low < high for low, high in pairwise(numbers))
