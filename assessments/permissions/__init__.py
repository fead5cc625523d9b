"""Who may see, record and put right what was seen of a student."""

from assessments.permissions.recording import (
    can_record,
    check_can_confirm,
    check_can_correct,
    check_can_record,
    check_can_record_in,
    check_can_release,
    evidence_confirmable_by,
    evidence_releasable_by,
    ratings_correctable_by,
    records_as_substitute,
    students_recordable_by,
)
from assessments.permissions.seeing import evidence_visible_to, ratings_visible_to

__all__ = [
    "can_record",
    "check_can_confirm",
    "check_can_correct",
    "check_can_record",
    "check_can_record_in",
    "check_can_release",
    "evidence_confirmable_by",
    "evidence_releasable_by",
    "evidence_visible_to",
    "ratings_correctable_by",
    "ratings_visible_to",
    "records_as_substitute",
    "students_recordable_by",
]
