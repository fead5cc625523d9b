"""Who may see where a student stands, judge it, and read the reports of a school."""

from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from mastery.models import Advancement, MasteryState
from students.models import District, School, Student, User
from students.permissions import (
    check_covers,
    covers,
    districts_administered_by,
    of_students_known_to,
    schools_led_by,
    students_taught_by,
)
from students.permissions.relations import TEACHERS, wards


def states_visible_to(user: User | None, at: datetime) -> QuerySet[MasteryState]:
    """
    Return the states that ``user`` may see, those of duplicates with them. One query.

    Everybody whose business the student's learning is; a school's office sees none.
    """
    if user is None:
        return MasteryState.objects.all()
    return of_students_known_to(MasteryState.objects.all(), user, at)


def advancements_visible_to(user: User | None, at: datetime) -> QuerySet[Advancement]:
    """Return the advancements that ``user`` may see: of whom they see the states. One query."""
    if user is None:
        return Advancement.objects.all()
    return of_students_known_to(Advancement.objects.all(), user, at)


def students_judgeable_by(user: User | None, at: datetime) -> QuerySet[Student]:
    """
    Return the students about whom ``user`` may confirm, override, reopen and the like.

    Those they teach, as teacher of record or co-teacher, and those of the school they lead;
    never their own child, whatever its age: that takes another member of staff.
    """
    if user is None:
        return Student.objects.filter(merged_into__isnull=True)
    students = students_taught_by(user, at, TEACHERS, or_led=True)
    return students.exclude(pk__in=wards(user, at))


def can_judge(user: User | None, student_id: int, at: datetime) -> bool:
    return covers(students_judgeable_by(user, at), [student_id])


def check_can_judge(user: User | None, student_id: int, at: datetime) -> None:
    """:raises NotAllowed: unless ``user`` may judge the student."""
    check_covers(
        students_judgeable_by(user, at),
        [student_id],
        _("Only a teacher of the student, or the principal, can decide this; no guardian can."),
    )


def schools_reportable_by(user: User | None, at: datetime) -> QuerySet[School]:
    """Return the schools whose report, down to the student, ``user`` may run: the principal's."""
    return schools_led_by(user, at)


def check_can_report(user: User | None, school: School, at: datetime) -> None:
    """:raises NotAllowed: unless ``user`` may run the report of ``school`` with its students."""
    check_covers(
        schools_reportable_by(user, at),
        [school.pk],
        _("Only the principal of the school can run its report."),
    )


def districts_reportable_by(user: User | None, at: datetime) -> QuerySet[District]:
    """Return the districts of whose schools ``user`` may read aggregates, and no student."""
    return districts_administered_by(user, at)
