"""What named persons said about a pair, as it stands at an instant of the replay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from mastery.engine.counting import Key, happened
from mastery.engine.days import utc_day
from mastery.engine.values import Judgement

TargetAt = Callable[[datetime], int | None]  # None: the policy in force only describes


class Judged:
    """
    The judgements of one pair, folded in the order they were recorded.

    ``override`` and ``prior`` are the ones in effect; what they say about mastery was settled when
    they were recorded, because a later target does not change what the person meant.
    """

    def __init__(self) -> None:
        self.override: Judgement | None = None
        self.override_mastered = False
        self.prior: Judgement | None = None
        self.prior_mastered = False
        self.reopened_at: datetime | None = None
        self._own_targets: list[Judgement] = []
        self._words: list[Judgement] = []

    def apply(self, judgement: Judgement, target_at: TargetAt) -> None:
        """Take ``judgement`` in; ``target_at`` says which target it spoke of."""
        match judgement.kind:
            case "override":
                self.override = judgement
                self.override_mastered = _says_mastered(judgement, target_at)
                self.end_override_if_due(judgement.recorded_at)
            case "override_end":
                self.override = None
            case "prior_standing":
                self.prior = judgement
                self.prior_mastered = _says_mastered(judgement, target_at)
            case "reopening":
                self.override = self.prior = None
                self.reopened_at = judgement.recorded_at
            case "own_target":
                self._own_targets.append(judgement)
            case _:
                self._words.append(judgement)

    def end_override_if_due(self, at: datetime) -> None:
        """End an override whose day has come; one to mastered waits for a person to look."""
        if (
            self.override is not None
            and not self.override_mastered
            and happened(self.override.ends_at, at)
        ):
            self.override = None

    def removes(self, first_recorded_at: datetime) -> bool:
        """Test if a reopening took the prefixes away whose last piece was first recorded then."""
        return self.reopened_at is not None and first_recorded_at <= self.reopened_at

    def own_target(self, day: date) -> int | None:
        """Return the student's own target level on ``day``; the last word about a day wins."""
        for judgement in reversed(self._own_targets):
            begun = judgement.starts_on is None or judgement.starts_on <= day
            if begun and (judgement.ends_at is None or day < utc_day(judgement.ends_at)):
                return judgement.level
        return None

    def confirms(self, last: Key, seen: Callable[[Judgement], Key | None]) -> bool:
        """Test if a confirmation saw the piece at ``last`` or a later one."""
        return any(
            word.kind == "confirmation" and _covers(seen(word), last) for word in self._words
        )

    def refuses(self, last: Key, seen: Callable[[Judgement], Key | None]) -> bool:
        """
        Test if a refusal of a prefix that ends at ``last`` stands.

        Only a later confirmation that saw the same piece lifts a refusal.
        """
        refused: set[Key] = set()
        for word in self._words:
            key = seen(word)
            if key is not None:
                (refused.add if word.kind == "refusal" else refused.discard)(key)
        return any(key >= last for key in refused)


def _covers(key: Key | None, last: Key) -> bool:
    return key is not None and key >= last


def _says_mastered(judgement: Judgement, target_at: TargetAt) -> bool:
    target = target_at(judgement.recorded_at)
    if target is None:
        return False
    if judgement.mastered is not None:
        return judgement.mastered
    return (judgement.level or 0) >= target
