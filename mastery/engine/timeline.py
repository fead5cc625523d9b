"""Which policy version judges what, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from mastery.engine.days import utc_day
from mastery.engine.values import PolicyInForce, PolicyVersion

OUTSIDE = -1  # the place of a version that never stood in this timeline


class Timeline:
    """
    The versions in force for one pair, in order, and those that evidence is pinned to.

    Before the first entry starts, the first entry is taken to be in force.

    :raises ValueError: if there is no entry, or the entries are not in order.
    """

    def __init__(
        self, policies: Sequence[PolicyInForce], versions: Mapping[int, PolicyVersion]
    ) -> None:
        if not policies:
            raise ValueError("A pair needs a policy before anything can be decided about it.")
        starts = [entry.starts_at for entry in policies if entry.starts_at is not None]
        if starts != sorted(starts) or len(starts) < len(policies) - 1:
            raise ValueError("The policies of a pair must be in the order they start.")
        self.policies = policies
        self._versions = versions
        self._recomputes = any(entry.recompute for entry in policies)

    def started(self, index: int, at: datetime) -> bool:
        """Test if the entry at ``index`` is in force, or was, at ``at``."""
        starts_at = self.policies[index].starts_at
        return starts_at is None or starts_at <= at

    def in_force(self, at: datetime) -> int:
        """Return the index of the entry in force at ``at``."""
        if len(self.policies) == 1:
            return 0
        return max((i for i in range(len(self.policies)) if self.started(i, at)), default=0)

    def recomputed(self, after: int, at: datetime) -> int | None:
        """Return the index of the last recompute entry started by ``at`` and after ``after``."""
        if not self._recomputes:
            return None
        later = range(len(self.policies) - 1, after, -1)
        return next((i for i in later if self.policies[i].recompute and self.started(i, at)), None)

    def judging(self, pinned: int, day: date, at: datetime) -> tuple[int, PolicyVersion]:
        """
        Return what judges a prefix whose last piece, of ``day``, is pinned to version ``pinned``.

        That is the pinned version, or the last version applied with recompute after it; with the
        place of it in the timeline.
        """
        if not self._recomputes:
            return OUTSIDE, self._versions[pinned]
        place = self._place(pinned, day)
        later = self.recomputed(place, at)
        if later is None:
            return place, self._versions[pinned]
        return later, self.policies[later].version

    def _place(self, pinned: int, day: date) -> int:
        """Return which entry of the ``pinned`` version was in force on ``day``."""
        places = [i for i, entry in enumerate(self.policies) if entry.version.id == pinned]
        begun = [i for i in places if _begun(self.policies[i], day)]
        return max(begun, default=min(places, default=OUTSIDE))


def _begun(entry: PolicyInForce, day: date) -> bool:
    return entry.starts_at is None or utc_day(entry.starts_at) <= day
