"""
Which ratings count, and the pieces they make.

A rating is looked at as it was known at an instant: a later void or release has not happened yet.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from mastery.engine.levels import level_of_points
from mastery.engine.values import Mark, Piece, PolicyVersion, Rating

Key = tuple[date, int, int]  # day demonstrated, position, piece: the order of every list

SUPERSEDED = "superseded"
VOIDED = "voided"
RATERS_APART = "raters_apart"
REPLACED = "replaced"
_MARKS = {Mark.NOT_SHOWN: "not_shown", Mark.MISSED: "missed", Mark.EXCUSED: "excused"}


def known(ratings: Sequence[Rating], at: datetime) -> Sequence[Rating]:
    """Return those of ``ratings`` that were recorded by ``at``."""
    if ratings[-1].recorded_at <= at:
        return ratings
    return [rating for rating in ratings if rating.recorded_at <= at]


def live(ratings: Sequence[Rating]) -> Sequence[Rating]:
    """
    Return the last rating of each chain, by chain.

    ``ratings`` come in the order recorded. A voided one is returned too: with it its chain has
    ended, and no earlier rating of the chain comes back.
    """
    if len(ratings) == 1:
        return ratings
    last = {rating.chain: rating for rating in ratings}
    return [last[chain] for chain in sorted(last)]


def happened(when: datetime | None, at: datetime) -> bool:
    """Test if what happens at ``when`` (None: never) has happened by ``at``."""
    return when is not None and when <= at


def why_not(rating: Rating, version: PolicyVersion, at: datetime) -> str | None:
    """Return why a live ``rating`` does not count by ``version``, or None if it does."""
    return _not_ready(rating, at) or _not_wanted(rating, version)


def _not_ready(rating: Rating, at: datetime) -> str | None:
    if happened(rating.voided_at, at):
        return VOIDED
    if not happened(rating.released_at, at):
        return "not_released"
    if rating.needs_confirmation and not happened(rating.confirmed_at, at):
        return "unconfirmed"
    return None


def _not_wanted(rating: Rating, version: PolicyVersion) -> str | None:
    if rating.mark != Mark.RATED:
        return _MARKS[rating.mark]
    if rating.scale != version.scale.id:
        return "other_scale"
    if version.purposes and rating.purpose not in version.purposes:
        return "purpose"
    if version.kinds and rating.kind not in version.kinds:
        return "kind"
    return None


def head(ratings: Sequence[Rating], at: datetime) -> Rating:
    """
    Return the live rating that says the day, place, task and version of the whole piece.

    That is the first rater's, unless it was voided: then the first that was not.
    """
    lasting = (rating for rating in ratings if not happened(rating.voided_at, at))
    return next(lasting, ratings[0])


class Board:
    """
    The pieces of one pair as versions that count alike see them, kept up to date.

    ``pieces`` is in list order. ``tested`` is for the ratchet: so many leading pieces end no
    prefix that meets a target. A changed piece takes that knowledge away from its place on.
    """

    def __init__(self, version: PolicyVersion) -> None:
        self.version = version
        self.pieces: list[Piece] = []
        self.by_id: dict[int, Piece] = {}
        self.reasons: dict[int, Sequence[tuple[int, str]]] = {}
        self.tested = 0

    def update(self, piece: int, ratings: Sequence[Rating], at: datetime) -> None:
        """Put ``piece`` where its ``ratings``, in the order recorded, belong at ``at``."""
        self._remove(piece)
        recorded = known(ratings, at)
        formed, reasons = form(recorded, self.version, at)
        if reasons:
            self.reasons[piece] = reasons
        if formed is not None:
            self._insert(formed)

    def _remove(self, piece: int) -> None:
        self.reasons.pop(piece, None)
        old = self.by_id.pop(piece, None)
        if old is not None:
            index = bisect_left(self.pieces, old)
            del self.pieces[index]
            self.tested = min(self.tested, index)

    def _insert(self, piece: Piece) -> None:
        self.by_id[piece.id] = piece
        if not self.pieces or self.pieces[-1].key < piece.key:
            self.pieces.append(piece)
            return
        insort(self.pieces, piece)
        self.tested = min(self.tested, bisect_left(self.pieces, piece))


def form(
    recorded: Sequence[Rating], version: PolicyVersion, at: datetime
) -> tuple[Piece | None, Sequence[tuple[int, str]]]:
    """
    Combine the ratings of one piece, in the order recorded, by the rater rule.

    Returns the piece, None if it does not count, and why each rating not in it does not count.
    """
    if len(recorded) == 1:
        return _form_one(recorded[0], version, at)
    lasting = live(recorded)
    reasons = [] if len(lasting) == len(recorded) else _superseded(recorded, lasting)
    counting = []
    for rating in lasting:
        reason = why_not(rating, version, at)
        if reason is None:
            counting.append(rating)
        else:
            reasons.append((rating.id, reason))
    if len(counting) > 1:
        counting = _one_an_assessor(counting, reasons)
    if not counting:
        return None, reasons
    points = sorted([rating.points or 0 for rating in counting])
    if len(points) > 1 and _apart(version, points):
        return None, [*reasons, *((rating.id, RATERS_APART) for rating in counting)]
    return _piece(head(lasting, at), recorded, counting, points[(len(points) - 1) // 2]), reasons


def _form_one(
    rating: Rating, version: PolicyVersion, at: datetime
) -> tuple[Piece | None, Sequence[tuple[int, str]]]:
    """Form the ordinary piece: one rating, never corrected."""
    reason = why_not(rating, version, at)
    if reason is not None:
        return None, [(rating.id, reason)]
    return _piece(rating, (rating,), (rating,), rating.points or 0), ()


def _piece(
    first: Rating, recorded: Iterable[Rating], counting: Sequence[Rating], points: int
) -> Piece:
    return Piece(
        (first.demonstrated_on, first.position, first.piece),
        first.piece,
        points,
        first.task,
        first.application,
        first.conditions,
        first.policy_version,
        min([rating.first_recorded_at for rating in recorded]),
        max([rating.recorded_at for rating in counting]),
        tuple([rating.id for rating in counting]),
    )


def _superseded(recorded: Iterable[Rating], lasting: Sequence[Rating]) -> list[tuple[int, str]]:
    last = {rating.id for rating in lasting}
    return [(rating.id, SUPERSEDED) for rating in recorded if rating.id not in last]


def _one_an_assessor(counting: Sequence[Rating], reasons: list[tuple[int, str]]) -> list[Rating]:
    """Keep the newest rating of each assessor: a second word takes the first's place."""
    newest: dict[int | None, Rating] = {}
    for rating in sorted(counting, key=lambda rating: (rating.recorded_at, rating.id)):
        if rating.assessor in newest:
            reasons.append((newest[rating.assessor].id, SUPERSEDED))
        newest[rating.assessor] = rating
    return [rating for rating in counting if newest[rating.assessor] is rating]


def _apart(version: PolicyVersion, points: Sequence[int]) -> bool:
    """Test if the lowest and highest of ``points`` are two or more levels apart."""
    low, high = (level_of_points(version.scale, p) or 0 for p in (points[0], points[-1]))
    return high - low >= 2
