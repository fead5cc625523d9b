"""
The replay: a pair's log taken in, in the order in which things became known.

What was decided at an earlier instant is never decided again, so that a replay up to a later
instant only adds advancements to those of an earlier one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from mastery.engine.days import utc_day
from mastery.engine.events import GAINED, JUDGEMENT, LOST, RATING, Event, cause, instants
from mastery.engine.evidence import Evidence
from mastery.engine.judgements import Judged
from mastery.engine.ratchet import Ratchet
from mastery.engine.timeline import Timeline
from mastery.engine.values import Advancement, AdvancementKind, Basis, Judgement, Logs

Ids = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """What "mastered" rests on; a change of it is logged."""

    basis: Basis
    mastered_on: date
    serial: int  # of the standing prefix, or the id of the judgement


class Replay:
    """
    One pair's logs replayed up to an instant.

    Cost: about one prefix judged for each piece in the ordinary case. A late, corrected or voided
    piece has the prefixes from its place on judged again, a judgement all of them.

    :raises ValueError: if the logs hold no policy, or not every pinned version.
    """

    def __init__(self, logs: Logs, at: datetime) -> None:
        self.timeline = Timeline(logs.policies, logs.versions)
        self.evidence = Evidence(logs)
        self.judged = Judged()
        self.ratchet = Ratchet(self.evidence, self.timeline, self.judged)
        self.advancements: list[Advancement] = []
        self.ground: Ground | None = None
        self._version_ids = tuple(entry.version.id for entry in logs.policies)
        for instant, events in instants(logs, at):
            self._step(instant, events)

    def _step(self, at: datetime, events: list[Event]) -> None:
        touched = {event.piece for event in events if event.order == RATING}
        self.evidence.update(touched, at)
        for event in events:
            if event.order == JUDGEMENT:
                self._judge(event, at)
        if self.evidence.confirmation or any(event.order != RATING for event in events):
            self.evidence.test_again()
        self.ratchet.settle(touched, at)
        self._log(at, events)

    def _judge(self, event: Event, at: datetime) -> None:
        judgement = event.judgement
        if judgement is None:
            self.judged.end_override_if_due(at)
            return
        self.judged.apply(judgement, self.target)
        if judgement.kind == "reopening":
            self.ratchet.reopen()

    def target(self, at: datetime) -> int | None:
        """Return the target in force at ``at``; None if the version in force only describes."""
        version = self.timeline.policies[self.timeline.in_force(at)].version
        return self.ratchet.target_by(version, utc_day(at))[0] if version.decides else None

    def _log(self, at: datetime, events: list[Event]) -> None:
        """Log a change of what "mastered" rests on; there is one entry an instant at most."""
        old, new = self.ground, self._effective()
        either = new or old
        if either is None or new == old:
            return
        self.ground = new
        kind = AdvancementKind.REDATED if old else AdvancementKind.MASTERED
        self.advancements.append(
            Advancement(
                len(self.advancements) + 1,
                kind if new else AdvancementKind.REOPENED,
                either.basis,
                new.mastered_on if new else None,
                at,
                *cause(events, self._version_ids, LOST if old else GAINED),
                *self._rests_on(new),
            )
        )

    def _rests_on(self, ground: Ground | None) -> tuple[int, int, Ids, Ids] | tuple[()]:
        """Return version, target, pieces and deciding pieces, where evidence is the ground."""
        standing = self.ratchet.standing
        if standing is None or ground is None or ground.basis != Basis.EVIDENCE:
            return ()
        return standing.version.id, standing.target, standing.pieces, standing.deciding

    def _effective(self) -> Ground | None:
        """Return the ground of "mastered" in effect: override, then evidence, then prior."""
        judged, standing = self.judged, self.ratchet.standing
        if judged.override is not None:
            return _said(Basis.OVERRIDE, judged.override) if judged.override_mastered else None
        if standing is not None:
            return Ground(Basis.EVIDENCE, standing.mastered_on, standing.serial)
        if judged.prior is not None and judged.prior_mastered:
            return _said(Basis.PRIOR, judged.prior)
        return None


def _said(basis: Basis, judgement: Judgement) -> Ground:
    day = judgement.starts_on or utc_day(judgement.recorded_at)
    return Ground(basis, day, judgement.id)
