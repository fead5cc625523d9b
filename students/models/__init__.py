"""Who learns, where; who may see whom, and from which day to which."""

from students.models.access import Elevation
from students.models.organisation import Course, District, School, Section, Term
from students.models.people import Student, StudentAttributes, User
from students.models.records import (
    HistoryEntry,
    IdempotencyKey,
    Job,
    OutboxMessage,
    StudentLock,
)
from students.models.relationships import (
    Caseload,
    Enrollment,
    Guardianship,
    Restriction,
    SchoolEnrollment,
    SchoolRole,
    TeachingAssignment,
)

__all__ = [
    "Caseload",
    "Course",
    "District",
    "Elevation",
    "Enrollment",
    "Guardianship",
    "HistoryEntry",
    "IdempotencyKey",
    "Job",
    "OutboxMessage",
    "Restriction",
    "School",
    "SchoolEnrollment",
    "SchoolRole",
    "Section",
    "Student",
    "StudentAttributes",
    "StudentLock",
    "TeachingAssignment",
    "Term",
    "User",
]
