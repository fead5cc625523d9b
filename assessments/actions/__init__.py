"""Every write of assessments."""

from assessments.actions.correct import correct_evidence, correct_rating, undo_correction
from assessments.actions.errors import EvidenceRejected
from assessments.actions.lifecycle import confirm_evidence, release_evidence, void_rating
from assessments.actions.record import NewPiece, NewRating, Recorded, record_evidence

__all__ = [
    "EvidenceRejected",
    "NewPiece",
    "NewRating",
    "Recorded",
    "confirm_evidence",
    "correct_evidence",
    "correct_rating",
    "record_evidence",
    "release_evidence",
    "undo_correction",
    "void_rating",
]
