"""
Corrections: a new row takes the place of the old one, which stays to be read.

A corrected rating keeps the day, the position, the first recording instant and the policy
version of its chain, unless they are what is corrected.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.forms.models import model_to_dict

from assessments import permissions
from assessments.actions.check import Rules, load_rules
from assessments.actions.errors import EvidenceRejected, OutOfDate
from assessments.actions.record import NewRating, next_ids
from assessments.actions.task import task_of
from assessments.models import Conditions, Evidence, Mark, Rating, Setting, Situation
from assessments.queries import live_ratings
from assessments.signals import ratings_changed
from competencies.queries.clock import database_clock
from students.actions.locks import Locked, lock_students
from students.models import District, HistoryEntry, User


@dataclass(frozen=True, slots=True)
class Correction:
    """What the rating should have said. ``rating_id`` is the one that stands now."""

    rating_id: int
    points: Decimal | None = None
    mark: Mark = Mark.RATED


def correct_rating(
    *,
    actor: User | None,
    rating_id: int,
    points: Decimal | None = None,
    mark: Mark = Mark.RATED,
    reason: str = "",
) -> Rating:
    """Correct one rating, see :func:`correct_ratings`."""
    correction = Correction(rating_id, points, mark)
    return correct_ratings(actor=actor, corrections=[correction], reason=reason)[0]


@transaction.atomic
def correct_ratings(
    *, actor: User | None, corrections: Sequence[Correction], reason: str = ""
) -> list[Rating]:
    """
    Correct ratings; return those that stand now, in the order given.

    A correction to what already stands changes nothing. The rating named must be the one that
    stands: that is how two people correcting at once are told apart.

    :raises OutOfDate: if one was corrected or voided meanwhile; holds the one that stands.
    :raises PermissionDenied: if ``actor`` may not correct one of them.
    :raises EvidenceRejected: if a value breaks a rule.
    """
    wanted = {correction.rating_id: correction for correction in corrections}
    locked, standing = lock_standing(actor, wanted.keys())
    _check(wanted, standing, locked)
    changed = [
        number
        for number, correction in wanted.items()
        if (standing[number].points, standing[number].mark) != (correction.points, correction.mark)
    ]
    ids = dict(zip(changed, next_ids("assessments_rating", len(changed)), strict=True))
    rows = {
        number: _successor(
            standing[number],
            id=ids[number],
            recorded_at=locked.at,
            points=wanted[number].points,
            mark=wanted[number].mark,
        )
        for number in changed
    }
    _write(actor, rows, standing, locked, reason)
    return [
        rows.get(correction.rating_id, standing[correction.rating_id]) for correction in corrections
    ]


@transaction.atomic
def undo_correction(*, actor: User | None, rating_id: int, reason: str = "") -> Rating:
    """
    Record the value again that ``rating_id`` took the place of.

    :raises EvidenceRejected: if it corrected nothing, or the piece and not the rating.
    """
    former = (
        permissions.ratings_visible_to(actor, database_clock())
        .filter(pk__in=Rating.objects.filter(pk=rating_id).values("replaces"))
        .first()
    )
    if former is None:
        raise EvidenceRejected("There is nothing to undo: this rating was not corrected.")
    if not Rating.objects.filter(pk=rating_id, evidence_id=former.evidence_id).exists():
        raise EvidenceRejected("The piece itself was corrected. Correct its day or setting again.")
    return correct_rating(
        actor=actor,
        rating_id=rating_id,
        points=former.points,
        mark=Mark(former.mark),
        reason=reason,
    )


@transaction.atomic
def correct_evidence(
    *, actor: User | None, evidence_id: int, changes: Mapping[str, Any], reason: str = ""
) -> Evidence:
    """
    Correct the piece itself: its day, conditions, setting, situation or application.

    Every rating of it that stands gets a successor. A corrected day pins the policy version of
    the new day; the position within the day stays.

    :raises EvidenceRejected: for another field, a day to come, or a piece without ratings.
    :raises PermissionDenied: if ``actor`` may not correct one of its ratings.
    :raises OutOfDate: if the piece was corrected meanwhile.
    """
    _check_changes(changes)
    # Locked before the ratings are listed: none may be added to the piece meanwhile.
    lock_students(Evidence.objects.filter(pk=evidence_id).values_list("student_id", flat=True))
    of_piece = Rating.objects.filter(evidence_id=evidence_id, voided_at__isnull=True)
    replaced = Rating.objects.filter(replaces__in=of_piece.values("pk")).values("replaces")
    numbers = list(of_piece.exclude(pk__in=replaced).values_list("pk", flat=True))
    if not numbers:
        raise EvidenceRejected("This piece has no rating to correct. Record it again instead.")
    locked, standing = lock_standing(actor, numbers)
    old = Evidence.objects.get(pk=evidence_id)
    new = _piece_successor(old, changes, actor, locked)
    rules = _rules_of_day(old, new, standing.values(), locked.at)
    ids = dict(zip(numbers, next_ids("assessments_rating", len(numbers)), strict=True))
    copied = {name: getattr(new, name) for name in _COPIED}
    rows = {
        number: _successor(
            standing[number],
            id=ids[number],
            recorded_at=locked.at,
            evidence_id=new.pk,
            policy_version_id=_pinned(standing[number], new, rules),
            task=_task(standing[number], new),
            **copied,
        )
        for number in numbers
    }
    Evidence.objects.bulk_create([new])
    HistoryEntry.objects.create(
        district_id=new.district_id,
        actor=actor,
        action="correct_evidence",
        object_type="evidence",
        object_id=new.pk,
        student_id=new.student_id,
        before={name: _plain(getattr(old, name)) for name in changes},
        after={name: _plain(getattr(new, name)) for name in changes},
        reason=reason,
    )
    _write(actor, rows, standing, locked, reason)
    return new


def lock_standing(
    actor: User | None, rating_ids: Collection[int]
) -> tuple[Locked, dict[int, Rating]]:
    """
    Lock the students of ratings; return these if they stand and ``actor`` may correct them.

    :raises OutOfDate: if one was corrected or voided.
    :raises PermissionDenied: if ``actor`` may not correct one, or it does not exist.
    """
    students = Rating.objects.filter(pk__in=rating_ids).values_list("student_id", flat=True)
    locked = lock_students(students)
    permissions.check_can_correct(actor, rating_ids, locked.at)
    standing = live_ratings(rating_ids)
    for number in rating_ids:
        now = standing[number]
        if now.pk != number or now.voided_at is not None:
            raise OutOfDate(
                "Somebody changed this rating meanwhile. Look at what stands now and try again.",
                None if now.voided_at else now.pk,
            )
    return locked, standing


# What can be corrected on a piece, and the choices it has.
_CORRECTABLE: dict[str, Any] = {
    "demonstrated_on": None,
    "application": None,
    "conditions": Conditions,
    "setting": Setting,
    "situation": Situation,
}
_COPIED = ("demonstrated_on", "position", "piece", "conditions", "setting", "application")


def _check(
    wanted: Mapping[int, Correction], standing: Mapping[int, Rating], locked: Locked
) -> None:
    rules = load_rules(
        district=_district(standing.values()),
        student_ids=locked.student_ids,
        competency_ids={rating.competency_id for rating in standing.values()},
        at=locked.at,
    )
    for number, correction in wanted.items():
        row = standing[number]
        new = NewRating(
            competency_id=row.competency_id, points=correction.points, mark=correction.mark
        )
        rules.check_correction(new, row.scale_id)


def _district(ratings: Collection[Rating]) -> District:
    districts = {rating.district_id for rating in ratings}
    if len(districts) != 1:
        raise EvidenceRejected("Ratings of several districts cannot be corrected together.")
    return District.objects.get(pk=districts.pop())


def _successor(row: Rating, **changes: Any) -> Rating:
    fields = {field.attname: getattr(row, field.attname) for field in Rating._meta.concrete_fields}
    return Rating(**(fields | {"replaces": row.pk} | changes))


def _piece_successor(
    old: Evidence, changes: Mapping[str, Any], actor: User | None, locked: Locked
) -> Evidence:
    fields = {
        field.attname: getattr(old, field.attname)
        for field in Evidence._meta.concrete_fields
        if field.name != "public_id"
    }
    [number] = next_ids("assessments_evidence", 1)
    by_another = actor is not None and actor.pk != old.recorded_by_id
    if old.by_substitute and old.confirmed_at is None and by_another:
        # A teacher of the class who puts it right has taken it over.
        fields |= {"confirmed_at": locked.at, "confirmed_by_id": actor.pk if actor else None}
    return Evidence(
        **(
            fields
            | dict(changes)
            | {
                "id": number,
                "replaces": old.pk,
                "recorded_at": locked.at,
                "recorded_by_id": actor.pk if actor else old.recorded_by_id,
            }
        )
    )


def _check_changes(changes: Mapping[str, Any]) -> None:
    unknown = changes.keys() - _CORRECTABLE.keys()
    if unknown:
        raise EvidenceRejected(
            f"This cannot be corrected on a piece: {', '.join(sorted(unknown))}."
        )
    for name, value in changes.items():
        choices = _CORRECTABLE[name]
        is_open = value is None and name in {"setting", "situation"}
        if choices is not None and not is_open and value not in choices.values:
            words = ", ".join(str(label) for label in choices.labels)
            raise EvidenceRejected(f"Choose the {name} from: {words}.")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, date) else value


def _task(row: Rating, new: Evidence) -> int:
    """Return the task of a corrected piece: where nothing names it, it goes with the day."""
    return task_of(
        assessment_id=new.assessment_id,
        title=new.title,
        kind=new.kind,
        assessor_id=row.assessor_id,
        day=new.demonstrated_on,
    )


def _pinned(row: Rating, new: Evidence, rules: Rules | None) -> int:
    if rules is None:
        return row.policy_version_id
    return rules.version(row.competency_id, new.demonstrated_on).pk


def _rules_of_day(
    old: Evidence, new: Evidence, ratings: Collection[Rating], at: datetime
) -> Rules | None:
    """Return the rules for a corrected day, which is checked; None where the day stays."""
    if old.demonstrated_on == new.demonstrated_on:
        return None
    rules = load_rules(
        district=_district(ratings),
        student_ids={rating.student_id for rating in ratings},
        competency_ids={rating.competency_id for rating in ratings},
        at=at,
    )
    rules.check_day(new.demonstrated_on)
    return rules


def _write(
    actor: User | None,
    rows: Mapping[int, Rating],
    standing: Mapping[int, Rating],
    locked: Locked,
    reason: str,
) -> None:
    if not rows:
        return
    Rating.objects.bulk_create(rows.values())
    HistoryEntry.objects.bulk_create(
        HistoryEntry(
            district_id=row.district_id,
            actor=actor,
            action="correct_rating",
            object_type="rating",
            object_id=row.pk,
            student_id=row.student_id,
            before=_said(standing[number]),
            after=_said(row),
            reason=reason,
        )
        for number, row in rows.items()
    )
    ratings_changed.send(
        sender=Rating,
        locked=locked,
        pairs=frozenset((row.student_id, row.competency_id) for row in rows.values()),
    )


def _said(row: Rating) -> dict[str, Any]:
    shown = ["mark", "demonstrated_on", "conditions", "setting", "application"]
    said = model_to_dict(row, fields=shown)
    said["demonstrated_on"] = str(row.demonstrated_on)
    return said | {"rating": row.pk, "points": None if row.points is None else str(row.points)}
