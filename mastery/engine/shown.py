"""What the chip of a pair shows."""

from __future__ import annotations

from collections.abc import Sequence

from mastery.engine.levels import estimate, in_window, level_now, level_of_points, level_reached
from mastery.engine.values import Judgement, Piece, PolicyVersion, Shown


def shown_climbing(version: PolicyVersion, pieces: Sequence[Piece]) -> Shown:
    """Return what is shown while nothing but ``pieces`` speaks: not mastered, no judgement."""
    if not pieces:
        return Shown()
    level = level_now(version, pieces)
    latest = level_of_points(version.scale, pieces[-1].points)
    if level is None:
        first = level_reached(version, estimate(version, pieces)) or latest
        return _so_far(version, pieces, first, None)
    if latest is not None and latest > level and version.decides:
        return _so_far(version, pieces, latest, level)
    return Shown(level=level)


def shown_mastered(level: int | None, target: int, *, own_target: bool) -> Shown:
    """Return what is shown of a pair that evidence made mastered, now at ``level``."""
    if level is None or level >= target:
        return Shown(level=level or target, own_target=own_target)
    return Shown(level=target, recent=level, own_target=own_target)


def shown_override(
    judgement: Judgement, level: int | None, target: int, *, mastered: bool
) -> Shown:
    """Return what is shown while a teacher's word lasts; ``level`` is the calculated one."""
    said = judgement.level or (max(level or 0, target) if mastered else level)
    return Shown(level=said, by_teacher=True)


def shown_prior(judgement: Judgement, level: int | None, target: int, *, mastered: bool) -> Shown:
    """Return what is shown of a standing brought along; ``level`` is what evidence says now."""
    said = judgement.level or (target if mastered else None)
    lower = level if level is not None and said is not None and level < said else None
    return Shown(level=said, recent=lower, prior=True)


def _so_far(
    version: PolicyVersion, pieces: Sequence[Piece], level: int | None, held: int | None
) -> Shown:
    provisional = held is None
    if level is None or not version.decides:
        return Shown(level=level, provisional=provisional)
    if version.method.name != "n_of_last_m":
        return Shown(level=level, so_far=True, held=held, provisional=provisional)
    points = version.scale.level(level).points
    have = sum(piece.points >= points for piece in in_window(version, pieces))
    need = version.method.n
    return Shown(level=level, so_far=True, have=have, need=need, held=held, provisional=provisional)
