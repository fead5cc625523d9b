"""What is measured, a function a row of the table; the yardsticks' columns are fixed here."""

import itertools
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from time import perf_counter

from django.db import connection, transaction

from assessments.actions import NewPiece, NewRating, record_evidence
from assessments.actions.import_evidence import import_evidence
from mastery.actions.drain import drain
from mastery.actions.recompute import recompute
from mastery.models import MasteryState
from students.actions.locks import lock_students
from tests.bench.school import School
from tests.bench.table import Measured, interleaved

_COLUMNS = (
    "district_id, evidence_id, student_id, competency_id, points, mark, demonstrated_on, position,"
    " piece, chain, replaces, task, kind, purpose, application, setting, conditions, assessor_id,"
    " scale_id, policy_version_id, recorded_at, first_recorded_at"
)
_tasks = itertools.count()


def evidence_import(school: School) -> Measured:
    """Import a file, against copying its ratings inside the server into an indexed table."""
    began = perf_counter()
    import_evidence(
        district=school.district, path=school.evidence, dry_run=False, say=lambda _line: None
    )
    ours = perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE copied (LIKE assessments_rating INCLUDING INDEXES)")
        began = perf_counter()
        cursor.execute("INSERT INTO copied SELECT * FROM assessments_rating")
        theirs = perf_counter() - began
        count = cursor.rowcount
    drain()
    yardstick = "INSERT … SELECT of the ratings into an indexed copy"
    return Measured(f"import of {count:,} rows of evidence", yardstick, ours, theirs, 1, 1.5)


def full_recompute(school: School) -> Measured:
    """Recompute every pair, nothing changed, against COPY of the ratings out of the server."""
    pairs = list(MasteryState.objects.values_list("student_id", "competency_id"))

    def ours() -> None:
        with transaction.atomic():
            locked = lock_students({student for student, _ in pairs})
            assert not recompute(pairs, locked=locked).changed

    def theirs() -> None:
        with (
            connection.cursor() as cursor,
            cursor.copy(
                f"COPY (SELECT {_COLUMNS} FROM assessments_rating) TO STDOUT (FORMAT binary)"
            ) as copy,
        ):
            for _block in copy:
                pass

    took = interleaved(ours, theirs, times=3)
    return Measured(
        f"recompute of {len(pairs):,} pairs, nothing changed, one process",
        "COPY of the ratings",
        *took,
        3,
        1.5,
    )


def one_rating(school: School) -> Measured:
    """One rating recorded in process, decided and committed."""
    took = interleaved(_saver(school, 1), _bare_insert(school), times=150)
    return Measured("one rating recorded, p50", "INSERT … COMMIT", *took, 150, 6)


def a_sheet(school: School) -> Measured:
    """A sheet of 100 ratings in one action."""
    took = interleaved(_saver(school, 100), _bare_insert(school), times=15)
    return Measured("a sheet of 100 ratings recorded, p50", "INSERT … COMMIT", *took, 15, 40)


ROWS: list[Callable[[School], Measured]] = [evidence_import, full_recompute, one_rating, a_sheet]


def _saver(school: School, count: int) -> Callable[[], object]:
    cells = itertools.cycle(itertools.product(school.student_ids, school.competency_ids[:4]))

    def save() -> None:
        record_evidence(
            actor=None,
            district=school.district,
            pieces=[
                NewPiece(
                    student_id=student,
                    ratings=[NewRating(competency_id=competency, points=Decimal(3))],
                    demonstrated_on=date(2026, 3, 2),
                    title=f"Bench {next(_tasks)}",
                )
                for student, competency in itertools.islice(cells, count)
            ],
        )

    return save


def _bare_insert(school: School) -> Callable[[], object]:
    """One row of a narrow, indexed, append-only table in a commit of its own: the history's."""

    def insert() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO students_historyentry (district_id, action, object_type, object_id,"
                " student_id, reason) VALUES (%s, 'bench', 'rating', 1, %s, '')",
                [school.district.pk, school.student_ids[0]],
            )

    return insert
