"""
Work through everybody a slice of students at a time, each slice in a transaction of its own.

Students that somebody else holds are skipped and come again at the end, so that a long run
never waits behind a save, and no save behind more than one slice.
"""

from collections.abc import Callable, Iterator

from django.db import connection, transaction

from students.actions.locks import Locked, lock_free_students, lock_students

Pair = tuple[int, int]  # student id, competency id
Work = Callable[[set[Pair], Locked], None]

AT_ONCE = 50  # students a transaction; some seconds of work where they have much evidence

_PAIRS = """
WITH own AS (
    SELECT student_id, competency_id FROM assessments_rating WHERE student_id = ANY(%(ids)s)
    UNION SELECT student_id, competency_id FROM mastery_judgement WHERE student_id = ANY(%(ids)s)
    UNION SELECT student_id, competency_id FROM mastery_masterystate
    WHERE student_id = ANY(%(ids)s)),
above (student_id, competency_id) AS (
    SELECT own.student_id, edge.parent_id FROM own
    JOIN competencies_parentedge edge ON edge.child_id = own.competency_id
    WHERE edge.parent_id IS NOT NULL),
onwards (student_id, competency_id) AS (
    SELECT own.student_id, p.competency_id FROM own
    JOIN competencies_prerequisite p ON p.requires_id = own.competency_id
    WHERE p.until IS NULL)
SELECT student_id, competency_id FROM (
    SELECT * FROM own UNION SELECT * FROM above UNION SELECT * FROM onwards) AS pair
WHERE %(framework)s::int IS NULL OR competency_id IN (
    SELECT id FROM competencies_competency WHERE framework_id = %(framework)s)
"""


def work_through(
    student_ids: list[int], work: Work, *, framework: int | None = None
) -> Iterator[int]:
    """
    Call ``work`` with the pairs of each slice, under the students' locks; yield students done.

    Only the pairs of one framework where ``framework`` is given.
    """
    held: list[int] = []
    for start in range(0, len(student_ids), AT_ONCE):
        wanted = student_ids[start : start + AT_ONCE]
        with transaction.atomic():
            locked = lock_free_students(wanted)
            held += [number for number in wanted if number not in locked.student_ids]
            work(_pairs(locked, framework), locked)
        yield len(locked.student_ids)
    for number in held:
        with transaction.atomic():
            locked = lock_students([number])
            work(_pairs(locked, framework), locked)
        yield 1


def _pairs(locked: Locked, framework: int | None) -> set[Pair]:
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS, {"ids": list(locked.student_ids), "framework": framework})
        return set(cursor.fetchall())
