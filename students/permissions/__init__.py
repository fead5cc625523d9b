"""Who may see and change whom. Scopes first; every predicate and check is derived from one."""

from students.permissions.checks import (
    NotAllowed,
    can_administer,
    can_edit_student,
    can_view_student,
    check_can_edit_student,
    check_can_view_student,
    check_covers,
    covers,
)
from students.permissions.scopes import (
    districts_administered_by,
    of_students_known_to,
    people_visible_to,
    schools_led_by,
    schools_visible_to,
    sections_visible_to,
    students_editable_by,
    students_taught_by,
    students_visible_to,
)

__all__ = [
    "NotAllowed",
    "can_administer",
    "can_edit_student",
    "can_view_student",
    "check_can_edit_student",
    "check_can_view_student",
    "check_covers",
    "covers",
    "districts_administered_by",
    "of_students_known_to",
    "people_visible_to",
    "schools_led_by",
    "schools_visible_to",
    "sections_visible_to",
    "students_editable_by",
    "students_taught_by",
    "students_visible_to",
]
