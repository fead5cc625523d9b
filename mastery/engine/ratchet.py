"""The ratchet: which prefix of the evidence made a pair mastered, and whether it still stands."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import date, datetime

from mastery.engine.counting import Board, Key
from mastery.engine.evidence import Evidence
from mastery.engine.judgements import Judged
from mastery.engine.levels import in_window, kept, meets
from mastery.engine.timeline import Timeline
from mastery.engine.values import Judgement, Piece, PolicyVersion, Standing


class Ratchet:
    """
    The standing prefix of a pair, moved on instant by instant.

    Each prefix ends with one piece and is judged by the version of that piece; the whole list is
    also tried under the version in force. Prefixes known not to meet are not judged again.
    """

    def __init__(self, evidence: Evidence, timeline: Timeline, judged: Judged) -> None:
        self.standing: Standing | None = None
        self.awaiting = False  # a prefix meets its target and waits for a person's word
        self.refused = False  # a prefix meets its target and was refused
        self._evidence = evidence
        self._timeline = timeline
        self._judged = judged
        self._serial = 0

    def reopen(self) -> None:
        """End the standing prefix in a person's name."""
        self.standing = None

    def settle(self, touched: Set[int], at: datetime) -> None:
        """Bring the standing prefix to what is known at ``at``; ``touched`` pieces changed."""
        if self.standing is not None:
            self.standing = self._renewed(self.standing, touched, at)
        if self.standing is None:
            self.awaiting = self.refused = False
            self.standing = self._earliest(at) or self._whole_list(at)

    def target_by(self, version: PolicyVersion, day: date) -> tuple[int, bool]:
        """Return the target on ``day``, and whether it is the student's own."""
        own = self._judged.own_target(day)
        if own is None:
            return version.target, False
        return min(own, len(version.scale.levels)), True

    def _renewed(self, old: Standing, touched: Set[int], at: datetime) -> Standing | None:
        """Return ``old`` as it stands now, or None if its own pieces no longer meet it."""
        later = self._timeline.recomputed(old.place, at)
        if later is None and touched.isdisjoint(old.pieces):
            return old
        version = old.version if later is None else self._timeline.policies[later].version
        counted = self._evidence.board(version).by_id
        pieces = sorted(counted[piece] for piece in old.pieces if piece in counted)
        if not pieces:
            return None
        target, own = old.target, old.own_target
        if later is not None:
            target, own = self.target_by(version, pieces[-1].day)
        if not version.decides or not meets(version, target, pieces):
            return None
        return replace(
            old,
            version=version,
            place=old.place if later is None else later,
            target=target,
            own_target=own,
            deciding=_deciding(version, pieces),
            last=pieces[-1].key,
        )

    def _earliest(self, at: datetime) -> Standing | None:
        found = [self._earliest_on(board, at) for board in self._evidence.boards]
        if len(found) == 1:
            return found[0]
        return min((one for one in found if one), key=lambda one: one.last, default=None)

    def _earliest_on(self, board: Board, at: datetime) -> Standing | None:
        """Return the first prefix of ``board`` that meets its target, from the untested on."""
        for index in range(board.tested, len(board.pieces)):
            board.tested = index
            last = board.pieces[index]
            place, version = self._timeline.judging(last.policy_version, last.day, at)
            if self._evidence.board(version) is board:
                found = self._try(place, version, board.pieces[: index + 1], at)
                if found is not None:
                    return found
        board.tested = len(board.pieces)
        return None

    def _whole_list(self, at: datetime) -> Standing | None:
        """Return the whole list if the version in force is met by it and did not judge it yet."""
        place = self._timeline.in_force(at)
        version = self._timeline.policies[place].version
        pieces = self._evidence.board(version).pieces
        if not pieces:
            return None
        last = pieces[-1]
        _, judged_by = self._timeline.judging(last.policy_version, last.day, at)
        if judged_by.id == version.id:
            return None
        return self._try(place, version, pieces, at)

    def _try(
        self, place: int, version: PolicyVersion, pieces: Sequence[Piece], at: datetime
    ) -> Standing | None:
        last = pieces[-1]
        if not version.decides or self._judged.removes(last.first_recorded_at):
            return None
        target, own = self.target_by(version, last.day)
        if not meets(version, target, pieces):
            return None
        if version.confirmation and not self._confirmed(last.key, at):
            return None
        self._serial += 1
        ids = tuple([piece.id for piece in pieces])
        deciding = _deciding(version, pieces)
        return Standing(self._serial, version, place, target, own, ids, deciding, last.key)

    def _confirmed(self, last: Key, at: datetime) -> bool:
        def seen(word: Judgement) -> Key | None:
            return self._evidence.key_seen(word.saw_rating, at)

        if self._judged.refuses(last, seen):
            self.refused = True
            return False
        if self._judged.confirms(last, seen):
            return True
        self.awaiting = True
        return False


def _deciding(version: PolicyVersion, pieces: Sequence[Piece]) -> tuple[int, ...]:
    """Return the ids of ``pieces`` inside the method's window: those that carry the decision."""
    return tuple([piece.id for piece in in_window(version, kept(version, pieces))])
