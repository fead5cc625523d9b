"""What a pair's logs mean at an instant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime

from mastery.engine.counting import REPLACED, happened
from mastery.engine.days import midnight, months_later, utc_day
from mastery.engine.fingerprint import fingerprint
from mastery.engine.levels import checks, estimate, kept, level_now
from mastery.engine.next_step import next_step
from mastery.engine.replay import Replay
from mastery.engine.shown import shown_climbing, shown_mastered, shown_override, shown_prior
from mastery.engine.values import (
    Basis,
    Decision,
    Logs,
    Outcome,
    PolicyVersion,
    Shown,
    Standing,
    State,
    Working,
)


def decide(logs: Logs, at: datetime) -> Outcome:
    """
    Decide what ``logs`` mean with what was known at ``at``, a timezone-aware instant.

    The tuples of ``logs`` may come in any order, but the policies by start. The advancements of an
    earlier instant are the first ones of a later instant.

    :raises ValueError: if the logs hold no policy, or not every version a rating is pinned to.
    """
    replay = Replay(logs, at)
    working = _working(replay, at)
    version, pieces, override = working.version, working.pieces, working.override
    decision = _decision(replay, working)
    mastered_on = replay.ground.mastered_on if replay.ground else None
    refresh_on = _refresh_on(version, mastered_on)
    look_again_on = _look_again_on(replay, working, at)
    unmet = _unmet(replay, working)
    step, params = next_step(working, decision, unmet, (refresh_on, look_again_on), utc_day(at))
    state = State(
        decision=decision,
        basis=_basis(replay, working),
        level=level_now(version, pieces),
        estimate=estimate(version, pieces),
        shown=_shown(replay, working),
        counted=len(pieces),
        not_counted=_pieces_known(replay, version) - len(pieces),
        unmet=unmet,
        mastered_on=mastered_on,
        refresh_on=refresh_on,
        look_again_on=look_again_on,
        stale_override=override is not None
        and any(piece.recorded_at > override.recorded_at for piece in pieces),
        policy_version=version.id,
        target=working.target,
        next_step=step,
        next_step_params=params,
        valid_until=min(
            (turn for turn in _turns(logs, working, refresh_on, at) if turn > at), default=None
        ),
        inputs_hash=fingerprint(logs, at),
    )
    return Outcome(state, tuple(replay.advancements), working)


def _working(replay: Replay, at: datetime) -> Working:
    version = replay.timeline.policies[replay.timeline.in_force(at)].version
    board = replay.evidence.board(version)
    target, own_target = replay.ratchet.target_by(version, utc_day(at))
    pieces = tuple(kept(version, board.pieces))
    reasons = [pair for pairs in board.reasons.values() for pair in pairs]
    if len(pieces) < len(board.pieces):
        left = {piece.id for piece in pieces}
        gone = [piece for piece in board.pieces if piece.id not in left]
        reasons += [(rating, REPLACED) for piece in gone for rating in piece.ratings]
    return Working(
        version=version,
        target=target,
        own_target=own_target,
        pieces=pieces,
        not_counted=tuple(sorted(reasons)),
        checks=tuple(checks(version, target, pieces)),
        calculated=_calculated(replay, version),
        standing=replay.ratchet.standing,
        override=replay.judged.override,
        prior=replay.judged.prior,
    )


def _calculated(replay: Replay, version: PolicyVersion) -> Decision:
    """Return the decision by evidence alone."""
    if replay.ratchet.standing is not None:
        return Decision.MASTERED
    if replay.ratchet.awaiting:
        return Decision.AWAITING
    if not replay.evidence.board(version).pieces:
        return Decision.NO_EVIDENCE
    return Decision.NOT_YET if version.decides else Decision.NONE


def _decision(replay: Replay, working: Working) -> Decision:
    """Return the decision in effect: override, then evidence, then a standing brought along."""
    if replay.ground is not None:
        return Decision.MASTERED
    if working.override is not None or _rests_on_prior(replay, working):
        return Decision.NOT_YET if working.version.decides else Decision.NONE
    return working.calculated


def _basis(replay: Replay, working: Working) -> Basis:
    if replay.ground is not None:
        return replay.ground.basis
    if working.override is not None:
        return Basis.OVERRIDE
    return Basis.PRIOR if _rests_on_prior(replay, working) else Basis.EVIDENCE


def _rests_on_prior(replay: Replay, working: Working) -> bool:
    """Test if a standing brought along is what speaks, mastered or not."""
    if working.prior is None or working.override is not None:
        return False
    if replay.judged.prior_mastered:
        return working.standing is None
    return working.calculated == Decision.NO_EVIDENCE


def _unmet(replay: Replay, working: Working) -> tuple[str, ...]:
    """Return the rules that the evidence does not meet, whatever a person said beside it."""
    if working.calculated in {Decision.MASTERED, Decision.NONE}:
        return ()
    if working.calculated == Decision.AWAITING:
        return ("confirmation",)
    unmet = tuple(check.rule for check in working.checks if not check.met)
    if unmet:
        return unmet
    return ("confirmation",) if replay.ratchet.refused else ("new_evidence",)


def _shown(replay: Replay, working: Working) -> Shown:
    version, pieces, judged = working.version, working.pieces, replay.judged
    level = level_now(version, pieces)
    if working.override is not None:
        return shown_override(
            working.override, level, working.target, mastered=judged.override_mastered
        )
    if working.prior is not None and _rests_on_prior(replay, working):
        return shown_prior(working.prior, level, working.target, mastered=judged.prior_mastered)
    if working.standing is not None:
        target = _target_shown(working, working.standing)
        return shown_mastered(level, target, own_target=working.standing.own_target)
    return replace(shown_climbing(version, pieces), own_target=working.own_target)


def _target_shown(working: Working, standing: Standing) -> int:
    """Return the target that was met; today's if that one stands on another scale."""
    same_scale = standing.version.scale.id == working.version.scale.id
    return standing.target if same_scale else working.target


def _pieces_known(replay: Replay, version: PolicyVersion) -> int:
    board = replay.evidence.board(version)
    return len(board.by_id.keys() | board.reasons.keys())


def _refresh_on(version: PolicyVersion, mastered_on: date | None) -> date | None:
    if mastered_on is None or version.refresh_months is None:
        return None
    return months_later(mastered_on, version.refresh_months)


def _look_again_on(replay: Replay, working: Working, at: datetime) -> date | None:
    """
    Return since when recent work, or the end of an override, asks a person to look again.

    Recent work does from the second piece after the advancement's last on, while fewer than two
    of the last four pieces are at the target; the day is that of the piece since which it holds.
    """
    override, standing = working.override, working.standing
    if override is not None:
        due = replay.judged.override_mastered and happened(override.ends_at, at)
        return utc_day(override.ends_at) if due and override.ends_at else None
    if standing is None:
        return None
    points = working.version.scale.level(_target_shown(working, standing)).points
    since, after = None, 0
    for index, piece in enumerate(working.pieces):
        after += piece.key > standing.last
        last_four = working.pieces[max(0, index - 3) : index + 1]
        if after < 2 or sum(one.points >= points for one in last_four) >= 2:
            since = None
        elif since is None:
            since = piece.day
    return since


def _turns(
    logs: Logs, working: Working, refresh_on: date | None, at: datetime
) -> Iterator[datetime]:
    """Yield the instants, past ones too, at which the state changes without a new row."""
    for rating in logs.ratings:
        if rating.released_at is not None and rating.recorded_at <= at:
            yield rating.released_at
    for judgement in logs.judgements:
        if judgement.kind == "own_target" and judgement.recorded_at <= at:
            if judgement.starts_on is not None:
                yield midnight(judgement.starts_on)
            if judgement.ends_at is not None:
                yield midnight(utc_day(judgement.ends_at))
    for entry in logs.policies:
        if entry.starts_at is not None:
            yield entry.starts_at
    if working.override is not None and working.override.ends_at is not None:
        yield working.override.ends_at
    if refresh_on is not None:
        yield midnight(refresh_on)
