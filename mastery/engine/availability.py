"""
Whether a competency is open to a student, and what it still needs.

Availability never refuses evidence; it says what comes first. Once open it stays open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter


@dataclass(frozen=True, slots=True)
class PrerequisiteStatus:
    """How far a student is with one prerequisite."""

    competency: int
    mastered: bool
    has_evidence: bool = False
    earlier_band: bool = False  # of an earlier grade band: taken as met until evidence speaks
    have: int | None = None  # pieces, or children, of those needed
    need: int | None = None
    name: str = ""

    @property
    def met(self) -> bool:
        """Test if it stands in no one's way."""
        return self.mastered or (self.earlier_band and not self.has_evidence)


@dataclass(frozen=True, slots=True)
class Need:
    """One prerequisite still in the way, with its distance."""

    competency: int
    name: str
    have: int | None
    need: int | None


@dataclass(frozen=True, slots=True)
class Availability:
    """Open, or what it needs; a competency that once was open may still show needs."""

    open: bool
    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class PrerequisiteLog:
    """
    Every change of a prerequisite's decision: (decided at, mastered), in any order.

    It is required from ``since`` (None: ever) up to, not at, ``until`` (None: still).
    """

    competency: int
    changes: tuple[tuple[datetime, bool], ...] = ()
    earlier_band: bool = False
    first_evidence_at: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None

    def required(self, at: datetime) -> bool:
        """Test if it was a prerequisite at ``at``."""
        begun = self.since is None or self.since <= at
        return begun and (self.until is None or at < self.until)

    def mastered(self, at: datetime) -> bool:
        """Test if it was mastered at ``at``."""
        happened = [change for change in self.changes if change[0] <= at]
        return bool(happened) and sorted(happened, key=itemgetter(0))[-1][1]

    def met(self, at: datetime) -> bool:
        """Test if it was mastered at ``at``, or was taken as met without evidence."""
        if self.mastered(at):
            return True
        begun = any(when <= at for when, _ in self.changes)
        silent = self.first_evidence_at is None or at < self.first_evidence_at
        return self.earlier_band and not begun and silent


def availability(
    prerequisites: Sequence[PrerequisiteStatus], opened_at: datetime | None = None
) -> Availability:
    """Return whether a competency with ``prerequisites`` is open; ``opened_at``: it once was."""
    needs = tuple(
        Need(one.competency, one.name, one.have, one.need) for one in prerequisites if not one.met
    )
    return Availability(opened_at is not None or not needs, needs)


def opened_at(logs: Sequence[PrerequisiteLog]) -> datetime | None:
    """
    Return the first instant at which everything required then was mastered at once.

    None if there was none yet. One of an earlier band without evidence goes along with the others,
    but nothing opens for good by such ones alone.
    """
    instants = {when for log in logs for when, mastered in log.changes if mastered}
    instants |= {when for log in logs for when in (log.since, log.until) if when is not None}
    return next((when for when in sorted(instants) if _opens(logs, when)), None)


def _opens(logs: Sequence[PrerequisiteLog], at: datetime) -> bool:
    required = [log for log in logs if log.required(at)]
    return all(log.met(at) for log in required) and any(log.mastered(at) for log in required)
