"""Record evidence: the one way in for new pieces, one or many in a transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction

from assessments import permissions
from assessments.actions.check import Rules, load_rules
from assessments.actions.errors import EvidenceRejected
from assessments.actions.task import task_of
from assessments.models import Assessment, Conditions, Evidence, Kind, Mark, Purpose, Rating
from assessments.signals import ratings_changed
from students.actions.locks import Locked, lock_students
from students.models import District, HistoryEntry, User


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRating:
    """The level a piece shows on one competency; ``points`` only with the mark *rated*."""

    competency_id: int
    points: Decimal | None = None
    mark: Mark = Mark.RATED


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPiece:
    """
    One thing one student did, as it is to be recorded.

    What is None is taken from the assessment, else from the defaults of Evidence.
    """

    student_id: int
    ratings: Sequence[NewRating]
    demonstrated_on: date
    assessment: Assessment | None = None
    title: str = ""
    kind: Kind | None = None
    purpose: Purpose | None = None
    application: bool | None = None
    setting: int | None = None
    modality: int | None = None
    situation: int | None = None
    conditions: Conditions = Conditions.INDEPENDENT
    comment: str = ""
    external_id: str = ""
    released: bool = True
    assessor: User | None = None  # who judged it; None: who records it


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded: rows in the order of the pieces, all at the instant ``at``."""

    at: datetime
    evidence: tuple[Evidence, ...]
    ratings: tuple[Rating, ...]
    pairs: frozenset[tuple[int, int]] = field(default=frozenset())


@transaction.atomic
def record_evidence(
    *, actor: User | None, district: District, pieces: Sequence[NewPiece], source: str = "teacher"
) -> Recorded:
    """
    Record ``pieces`` with their ratings, history and announcement, all or none.

    Locks the students, checks permission at the instant of the lock, pins the policy version in
    force for each demonstrated day. ``actor`` None is the operator at the command line. Costs
    the same number of queries for one piece and a thousand.

    :raises PermissionDenied: if ``actor`` may not record for one of the students now.
    :raises EvidenceRejected: if a piece breaks a rule; says which and what to do.
    """
    if not pieces:
        raise EvidenceRejected("There is nothing to record.")
    locked = lock_students(piece.student_id for piece in pieces)
    permissions.check_can_record(actor, locked.student_ids, locked.at)
    permissions.check_can_record_in(actor, _classes(pieces), locked.at)
    _check_assessors(actor, district, pieces)
    rules = load_rules(
        district=district,
        student_ids=locked.student_ids,
        competency_ids={rating.competency_id for piece in pieces for rating in piece.ratings},
        at=locked.at,
    )
    for piece in pieces:
        rules.check(piece)
    substitutes = permissions.records_as_substitute(actor, locked.student_ids, locked.at)
    recorded = _insert(
        actor=actor, rules=rules, pieces=pieces, source=source, locked=locked, subs=substitutes
    )
    _write_history(actor, recorded)
    ratings_changed.send(sender=Rating, locked=locked, pairs=recorded.pairs)
    return recorded


def _classes(pieces: Sequence[NewPiece]) -> set[tuple[int, int]]:
    """Return the students and the sections that their assessments are of."""
    return {
        (piece.student_id, piece.assessment.section_id)
        for piece in pieces
        if piece.assessment is not None and piece.assessment.section_id is not None
    }


def _check_assessors(actor: User | None, district: District, pieces: Sequence[NewPiece]) -> None:
    """A person records their own judgement; only the operator records somebody else's."""
    for piece in pieces:
        if piece.assessor is None or piece.assessor == actor:
            continue
        if actor is not None or piece.assessor.district_id != district.pk:
            raise EvidenceRejected("You can record only what you judged yourself.")


def next_ids(table: str, count: int) -> list[int]:
    """Return ``count`` fresh ids, so that rows can name themselves when they are inserted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [table, count],
        )
        return [number for (number,) in cursor.fetchall()]


def _insert(
    *,
    actor: User | None,
    rules: Rules,
    pieces: Sequence[NewPiece],
    source: str,
    locked: Locked,
    subs: frozenset[int] | set[int],
) -> Recorded:
    evidence_ids = next_ids("assessments_evidence", len(pieces))
    evidence = tuple(
        _evidence(piece, number, actor, rules.district, source, locked.at, subs)
        for piece, number in zip(pieces, evidence_ids, strict=True)
    )
    rating_ids = iter(next_ids("assessments_rating", sum(len(piece.ratings) for piece in pieces)))
    ratings = tuple(
        _rating(new, next(rating_ids), row, piece, actor, rules, locked.at)
        for piece, row in zip(pieces, evidence, strict=True)
        for new in piece.ratings
    )
    Evidence.objects.bulk_create(evidence)
    Rating.objects.bulk_create(ratings)
    pairs = frozenset((rating.student_id, rating.competency_id) for rating in ratings)
    return Recorded(locked.at, evidence, ratings, pairs)


def _evidence(
    piece: NewPiece,
    number: int,
    actor: User | None,
    district: District,
    source: str,
    at: datetime,
    subs: frozenset[int] | set[int],
) -> Evidence:
    task = piece.assessment or Assessment(kind=Kind.OBSERVATION)
    return Evidence(
        id=number,
        piece=number,
        position=number,
        district=district,
        student_id=piece.student_id,
        assessment=piece.assessment,
        title=piece.title,
        kind=task.kind if piece.kind is None else piece.kind,
        purpose=task.purpose if piece.purpose is None else piece.purpose,
        application=task.application if piece.application is None else piece.application,
        setting=task.setting if piece.setting is None else piece.setting,
        modality=task.modality if piece.modality is None else piece.modality,
        situation=piece.situation,
        conditions=piece.conditions,
        demonstrated_on=piece.demonstrated_on,
        source=source,
        external_id=piece.external_id,
        comment=piece.comment,
        recorded_at=at,
        recorded_by=actor,
        by_substitute=piece.student_id in subs,
        released_at=at if piece.released else None,
    )


def _rating(
    new: NewRating,
    number: int,
    row: Evidence,
    piece: NewPiece,
    actor: User | None,
    rules: Rules,
    at: datetime,
) -> Rating:
    assessor = piece.assessor or actor
    return Rating(
        id=number,
        chain=number,
        district_id=row.district_id,
        evidence_id=row.pk,
        student_id=row.student_id,
        competency_id=new.competency_id,
        points=new.points,
        mark=new.mark,
        demonstrated_on=row.demonstrated_on,
        position=row.position,
        piece=row.piece,
        task=task_of(
            assessment_id=row.assessment_id,
            title=row.title,
            kind=row.kind,
            assessor_id=assessor.pk if assessor else None,
            day=row.demonstrated_on,
        ),
        kind=row.kind,
        purpose=row.purpose,
        application=row.application,
        setting=row.setting,
        conditions=row.conditions,
        assessor=assessor,
        scale_id=rules.version(new.competency_id, row.demonstrated_on).scale_id,
        policy_version_id=rules.version(new.competency_id, row.demonstrated_on).pk,
        recorded_at=at,
        first_recorded_at=at,
    )


def _write_history(actor: User | None, recorded: Recorded) -> None:
    by_evidence: dict[int, list[Mapping[str, object]]] = {}
    for rating in recorded.ratings:
        by_evidence.setdefault(rating.evidence_id, []).append(
            {
                "rating": rating.pk,
                "competency": rating.competency_id,
                "mark": int(rating.mark),
                "points": None if rating.points is None else str(rating.points),
            }
        )
    HistoryEntry.objects.bulk_create(
        HistoryEntry(
            district_id=row.district_id,
            actor=actor,
            action="record_evidence",
            object_type="evidence",
            object_id=row.pk,
            student_id=row.student_id,
            after={"ratings": by_evidence.get(row.pk, [])},
        )
        for row in recorded.evidence
    )
