"""Who may record evidence, put it right, release it, and confirm a substitute's."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from assessments.models import Evidence, Rating
from students.models import Student, User
from students.models.relationships import LocalDay
from students.permissions import NotAllowed, check_covers, covers, students_taught_by
from students.permissions import relations as of
from students.permissions.relations import LEAD, RECORDERS, SUBSTITUTE, TEACHERS, in_reach


def students_recordable_by(user: User | None, at: datetime) -> QuerySet[Student]:
    """
    Return the students about whom ``user`` may record evidence.

    Those enrolled now in a section where they are teacher of record, co-teacher or substitute;
    nobody else records, not even a principal. Without duplicates: what is recorded belongs to
    the student they were merged into.
    """
    if user is None:
        return Student.objects.filter(merged_into__isnull=True)
    return students_taught_by(user, at, RECORDERS)


def can_record(user: User | None, student_ids: Collection[int], at: datetime) -> bool:
    return covers(students_recordable_by(user, at), student_ids)


def check_can_record(user: User | None, student_ids: Collection[int], at: datetime) -> None:
    """
    Refuse all of it unless ``user`` may record about every one of ``student_ids``.

    One query, however many there are.

    :raises NotAllowed: naming nobody, since some may be none of the person's business.
    """
    check_covers(
        students_recordable_by(user, at),
        student_ids,
        _("You can record evidence only about students of a section you teach today."),
    )


def check_can_record_in(
    user: User | None, classes: Collection[tuple[int, int]], at: datetime
) -> None:
    """
    Refuse unless ``user`` teaches each student, by id, in the section beside it. One query.

    :raises NotAllowed: for one who is not in that section, or a section that is not taught.
    """
    if user is None or not classes:
        return
    taught = of.enrollments_taught(user, at, RECORDERS)
    found = set(
        taught.filter(student__in={student for student, _ in classes}).values_list(
            "student_id", "section_id"
        )
    )
    if not set(classes) <= found:
        raise NotAllowed(_("That assessment belongs to a section in which you do not teach them."))


def records_as_substitute(
    user: User | None, student_ids: Collection[int], at: datetime
) -> set[int]:
    """
    Return those of ``student_ids`` whom ``user`` teaches as a substitute and in no other way.

    What is recorded about them counts once a teacher of the class confirms it. One query.
    """
    if user is None:
        return set()
    covered = students_taught_by(user, at, (SUBSTITUTE,)).filter(pk__in=set(student_ids))
    only = covered.exclude(pk__in=of.students_taught(user, at, TEACHERS))
    return set(only.values_list("pk", flat=True))


def ratings_correctable_by(user: User | None, at: datetime) -> QuerySet[Rating]:
    """
    Return the ratings that ``user`` may correct or void.

    The teacher of record: those of the class and their own. A co-teacher: their own. A
    substitute: their own, on the day they were recorded. All of them while they teach the class
    and the student is in it.
    """
    if user is None:
        return Rating.objects.all()
    piece = "evidence__"
    today = {"recorded_on": LocalDay("section__school__time_zone", at)}
    return in_reach(Rating.objects.all(), user, at, "student__").filter(
        _of_the_class(user, at, (LEAD,), piece)
        | Q(assessor=user.pk) & _within(user, at, TEACHERS, piece)
        | Q(assessor=user.pk) & _within(user, at, (SUBSTITUTE,), piece, **today)
    )


def check_can_correct(user: User | None, rating_ids: Collection[int], at: datetime) -> None:
    """:raises NotAllowed: unless ``user`` may correct every one of ``rating_ids``. One query."""
    check_covers(
        ratings_correctable_by(user, at),
        rating_ids,
        _("You can correct your own ratings, and as teacher of record those of your section."),
    )


def evidence_releasable_by(user: User | None, at: datetime) -> QuerySet[Evidence]:
    """Return the unreleased pieces that ``user`` may release: a teacher's, of the class or own."""
    waiting = Evidence.objects.filter(released_at__isnull=True)
    if user is None:
        return waiting
    return in_reach(waiting, user, at, "student__").filter(
        _of_the_class(user, at, TEACHERS, "")
        | Q(recorded_by=user.pk) & _within(user, at, TEACHERS, "")
    )


def check_can_release(user: User | None, evidence_ids: Collection[int], at: datetime) -> None:
    """:raises NotAllowed: unless ``user`` may release every one of ``evidence_ids``. One query."""
    check_covers(
        evidence_releasable_by(user, at),
        evidence_ids,
        _("Only a teacher of the section can release what is not yet released."),
    )


def evidence_confirmable_by(user: User | None, at: datetime) -> QuerySet[Evidence]:
    """Return a substitute's pieces that wait for ``user``, who teaches the class, to confirm."""
    waiting = Evidence.objects.filter(by_substitute=True, confirmed_at__isnull=True)
    if user is None:
        return waiting
    return in_reach(waiting, user, at, "student__").filter(_of_the_class(user, at, TEACHERS, ""))


def check_can_confirm(user: User | None, evidence_ids: Collection[int], at: datetime) -> None:
    """:raises NotAllowed: unless ``user`` may confirm every one of ``evidence_ids``. One query."""
    check_covers(
        evidence_confirmable_by(user, at),
        evidence_ids,
        _("Only a teacher of the section can confirm what a substitute recorded."),
    )


def _of_the_class(user: User, at: datetime, roles: tuple[str, ...], piece: str) -> Q:
    """
    Keep the work of the class: from its assessments, or recorded by its substitutes.

    Other work outside any assessment is its recorder's: nothing says which class it is from.
    """
    taught = of.enrollments_taught(user, at, roles).filter(student=OuterRef("one"))
    section = f"{piece}assessment__section"
    in_class = Q(Exists(taught.filter(section=OuterRef(f"{section}_id"))))
    by_substitute = taught.filter(
        section__teaching__user=OuterRef(f"{piece}recorded_by"),
        section__teaching__role=SUBSTITUTE,
    )
    in_no_class = Q(**{f"{section}__isnull": True, f"{piece}by_substitute": True})
    return in_class | in_no_class & Q(Exists(by_substitute))


def _within(
    user: User, at: datetime, roles: tuple[str, ...], piece: str, **recorded_on: LocalDay
) -> Q:
    """Keep the work that is from a class taught now, or from none and about its students."""
    taught = (
        of.enrollments_taught(user, at, roles)
        .filter(student=OuterRef("one"))
        .alias(recorded_on=LocalDay("section__school__time_zone", OuterRef("recorded_at")))
        .filter(**recorded_on)
    )
    section = f"{piece}assessment__section"
    # The section of the piece, or any where it has none.
    which = Coalesce(OuterRef(f"{section}_id"), F("section_id"))
    return Q(Exists(taught.filter(section=which)))
