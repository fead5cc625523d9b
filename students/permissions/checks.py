"""The same rules as questions and as guards, each derived from its scope."""

from collections.abc import Collection
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from students.models import District, Student, User
from students.permissions import scopes


class NotAllowed(PermissionDenied):
    """The person may not do this. The message is fit to show and names nobody."""


def covers(scope: QuerySet[Model], ids: Collection[int]) -> bool:
    """Test if every one of ``ids`` lies in ``scope``. One query; none for no ids."""
    wanted = set(ids)
    return scope.filter(pk__in=wanted).count() == len(wanted)


def check_covers(scope: QuerySet[Model], ids: Collection[int], message: str) -> None:
    """:raises NotAllowed: with ``message``, unless every one of ``ids`` lies in ``scope``."""
    if not covers(scope, ids):
        raise NotAllowed(message)


def can_view_student(user: User | None, student: Student, at: datetime) -> bool:
    return covers(scopes.students_visible_to(user, at), [student.pk])


def check_can_view_student(user: User | None, student: Student, at: datetime) -> None:
    """:raises NotAllowed: unless ``user`` may open the profile of ``student``."""
    check_covers(
        scopes.students_visible_to(user, at), [student.pk], _("There is no such student for you.")
    )


def can_edit_student(user: User | None, student: Student, at: datetime) -> bool:
    return covers(scopes.students_editable_by(user, at), [student.pk])


def check_can_edit_student(user: User | None, student: Student, at: datetime) -> None:
    """:raises NotAllowed: unless ``user`` may change the profile of ``student``."""
    check_covers(
        scopes.students_editable_by(user, at),
        [student.pk],
        _("Only the registrar or an administrator of the school can change this."),
    )


def can_administer(user: User | None, district: District, at: datetime) -> bool:
    return covers(scopes.districts_administered_by(user, at), [district.pk])
