"""One pair's ratings, grouped into pieces, as every version that judges them sees them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter

from mastery.engine.counting import Board, Key, head, known, live
from mastery.engine.values import Logs, PolicyVersion, Rating


class Evidence:
    """
    The boards of one pair: one for all versions that count the same ratings.

    :raises ValueError: if a rating is pinned to a version that the logs do not hold.
    """

    def __init__(self, logs: Logs) -> None:
        self._ratings = _by_piece(logs.ratings)
        self._piece_of = {rating.id: rating.piece for rating in logs.ratings}
        self._boards: dict[object, Board] = {}
        self._board_of: dict[int, Board] = {}
        self.confirmation = False  # does any version want a person's word?
        for entry in logs.policies:
            self._share_board(entry.version)
        for pinned in {rating.policy_version for rating in logs.ratings}:
            if pinned not in logs.versions:
                raise ValueError(f"The policy version {pinned} is not among the versions.")
            self._share_board(logs.versions[pinned])

    @property
    def boards(self) -> Iterable[Board]:
        """Return each board once."""
        return self._boards.values()

    def board(self, version: PolicyVersion) -> Board:
        """Return the pieces that ``version`` counts."""
        return self._board_of[version.id]

    def update(self, pieces: Iterable[int], at: datetime) -> None:
        """Bring ``pieces`` to what is known of them at ``at``, on every board."""
        for board in self._boards.values():
            for piece in pieces:
                board.update(piece, self._ratings[piece], at)

    def test_again(self) -> None:
        """Forget which prefixes were found not to meet a target: what judges them has changed."""
        for board in self._boards.values():
            board.tested = 0

    def key_seen(self, rating: int | None, at: datetime) -> Key | None:
        """Return where in the list the piece of ``rating`` is at ``at``, counted or not."""
        piece = self._piece_of.get(rating or 0)
        recorded = () if piece is None else known(self._ratings[piece], at)
        if not recorded:
            return None
        first = head(live(recorded), at)
        return first.demonstrated_on, first.position, first.piece

    def _share_board(self, version: PolicyVersion) -> None:
        counts = (version.scale.id, version.purposes, version.kinds)
        if counts not in self._boards:
            self._boards[counts] = Board(version)
        self._board_of[version.id] = self._boards[counts]
        self.confirmation = self.confirmation or version.confirmation


def _by_piece(ratings: Iterable[Rating]) -> dict[int, list[Rating]]:
    """Return the ratings of each piece in the order they were recorded."""
    pieces: dict[int, list[Rating]] = {}
    for rating in ratings:
        pieces.setdefault(rating.piece, []).append(rating)
    for together in pieces.values():
        if len(together) > 1:
            together.sort(key=attrgetter("recorded_at", "id"))
    return pieces
