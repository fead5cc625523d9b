"""A named person's word about a pair: recorded, decided on at once, never changed."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from assessments.models import Rating
from competencies.models import Competency, Level, PolicyVersion
from competencies.queries.policies import policy_timelines, version_on
from mastery import permissions
from mastery.actions.follow import follow_ratings
from mastery.models import Judgement
from students.actions.locks import Locked, lock_students
from students.models import HistoryEntry, Student, User

Kind = Judgement.Kind
LONGEST_REASON = 1000  # characters
LONGEST_SOURCE = 300


class JudgementRejected(Exception):
    """The judgement cannot be recorded so. The message is safe to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person says; which fields a kind needs is told by Judgement."""

    kind: str
    reason: str
    saw_rating: int | None = None
    mastered: bool | None = None
    level: int | None = None
    starts_on: date | None = None
    ends_at: datetime | None = None
    source: str = ""


@transaction.atomic
def judge(*, actor: User, student: Student, competency: Competency, word: Word) -> Judgement:
    """
    Record ``word`` about a pair and decide the pair anew, in one transaction.

    :raises PermissionDenied: if ``actor`` may not judge this student now.
    :raises JudgementRejected: if the word lacks what its kind needs, or a confirmation saw
        something else than what is there now.
    """
    locked = lock_students([student.pk])
    permissions.check_can_judge(actor, student.pk, locked.at)
    _check(student, competency, word, locked)
    said = Judgement.objects.create(
        district_id=student.district_id,
        student=student,
        competency=competency,
        kind=word.kind,
        saw_rating=word.saw_rating,
        mastered=word.mastered,
        level=word.level,
        starts_on=word.starts_on,
        ends_at=word.ends_at,
        source=word.source,
        reason=word.reason.strip(),
        recorded_at=locked.at,
        recorded_by=actor,
    )
    HistoryEntry.objects.create(
        district_id=student.district_id,
        actor=actor,
        action=f"judge_{word.kind}",
        object_type="judgement",
        object_id=said.pk,
        student=student,
        after={"competency": competency.pk, "mastered": word.mastered, "level": word.level},
    )
    follow_ratings({(student.pk, competency.pk)}, locked=locked)
    return said


def _check(student: Student, competency: Competency, word: Word, locked: Locked) -> None:
    if not word.reason.strip():
        raise JudgementRejected("Give a reason: it stays with the decision.")
    if len(word.reason) > LONGEST_REASON or len(word.source) > LONGEST_SOURCE:
        raise JudgementRejected(
            f"Keep the reason under {LONGEST_REASON} characters and the source under "
            f"{LONGEST_SOURCE}."
        )
    if word.ends_at is not None and word.ends_at <= locked.at:
        raise JudgementRejected("The end is in the past. Choose a later day, or leave it open.")
    if word.kind in {Kind.CONFIRMATION, Kind.REFUSAL}:
        _check_saw(student, competency, word)
    _check_competency(student, competency, word, locked)
    says_nothing = word.mastered is None and word.level is None
    if word.kind in {Kind.OVERRIDE, Kind.PRIOR_STANDING} and says_nothing:
        raise JudgementRejected("Say whether it is mastered, or which level it is.")
    if word.kind == Kind.PRIOR_STANDING and not word.source.strip():
        raise JudgementRejected("Name the school or record that the standing comes from.")
    if word.kind == Kind.OWN_TARGET and word.level is None:
        raise JudgementRejected("Choose the level that is this student's target.")


def _check_competency(student: Student, competency: Competency, word: Word, locked: Locked) -> None:
    if competency.framework.district_id not in {None, student.district_id}:
        raise JudgementRejected("That competency does not exist.")
    if word.level is None:
        return
    timeline = policy_timelines(student.district_id, [competency.pk])[competency.pk]
    version = PolicyVersion.objects.get(pk=version_on(timeline, locked.at))
    levels = Level.objects.filter(scale=version.scale_id).count()
    if not 1 <= word.level <= levels:
        raise JudgementRejected(f"Choose a level from 1 to {levels}.")


def _check_saw(student: Student, competency: Competency, word: Word) -> None:
    newest = (
        Rating.objects.filter(student=student, competency=competency)
        .order_by("-recorded_at", "-pk")
        .values_list("pk", flat=True)
        .first()
    )
    if newest is None:
        raise JudgementRejected("There is no evidence yet to confirm or refuse.")
    if word.saw_rating != newest:
        raise JudgementRejected(
            "There is newer evidence than you saw. Look at it, then decide again."
        )
