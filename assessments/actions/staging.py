"""
The set-based half of the import: a temporary table, checks and writes in SQL.

``match`` says for each staged row what becomes of it: ``piece`` is the piece it belongs to, if
that is here already, and ``standing`` the rating that stands for its pair of piece and
competency.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from assessments.actions.task import task_of
from assessments.evidence_file.names import Names
from assessments.evidence_file.rows import Row
from students.models import District

Say = Callable[[int | None, str, str, str], None]  # row, column, code, message

# What makes two lines of one piece differ, and what a later file may say otherwise.
_OF_PIECE = (
    "student, demonstrated_on, title, kind, purpose, setting, modality, situation, conditions,"
    " application, comment"
)


def _columns(table: str) -> str:
    """Return the columns that make a piece, of ``table``."""
    names = _OF_PIECE.replace(" ", "").split(",")
    return ", ".join(f"{table}.{name}" for name in names if name not in {"student", "comment"})


_CREATE = """
CREATE TEMPORARY TABLE staged (
    line int, external_id text, student int, competency int, points smallint, mark smallint,
    demonstrated_on date, title text, task bigint, kind smallint, purpose smallint,
    setting smallint, modality smallint, situation smallint, conditions smallint,
    application boolean, assessor bigint, comment text, policy_version int, scale int,
    piece bigint, evidence bigint, standing bigint, rating bigint
) ON COMMIT DROP
"""


def create() -> None:
    """Make the staging table; it ends with the transaction."""
    _run("DROP TABLE IF EXISTS pg_temp.staged")
    _run(_CREATE)


def fill(rows: Iterable[Row]) -> int:
    """Copy rows in; return how many. A fifth of the time is the copy, the rest the reading."""
    count = 0
    columns = ", ".join(Row._fields)
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY staged ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
                count += 1
        cursor.execute("CREATE INDEX ON staged (external_id, competency, line)")
        cursor.execute("ANALYZE staged")
    return count


def check(district: District, source: str, say: Say) -> None:
    """Say what is wrong between rows, and between rows and what is here; three queries."""
    for line, first in _stream(_TWICE):
        say(
            line,
            "external_id",
            "row.twice",
            f"Row {first} rates the same piece on the same competency. Keep one of them.",
        )
    for line, first in _stream(_DIFFERING):
        say(
            line,
            "external_id",
            "row.differing",
            f"Row {first} has the same external_id, but another student, day or setting. One "
            "identifier is one piece of one student.",
        )
    for (line,) in _stream(_FOREIGN, {"district": district.pk, "source": source}):
        say(
            line,
            "student",
            "row.other_student",
            "An earlier import has this external_id for another student. Correct one of them.",
        )


def students() -> list[int]:
    """Return the students in the file, ascending."""
    return [number for (number,) in _stream("SELECT DISTINCT student FROM staged ORDER BY 1")]


def match(district: District, source: str) -> None:
    """Find for each row the piece and the standing rating that are here already."""
    _run(_MATCH_PIECE, {"district": district.pk, "source": source})
    _run(_MATCH_RATING)


def insert_new(district: District, source: str, at: datetime) -> tuple[int, int]:
    """Insert the pieces and ratings that are not here; return how many of each."""
    values = {"district": district.pk, "source": source, "at": at}
    pieces = _run(_INSERT_EVIDENCE, values)
    _run(_NAME_NEW_RATINGS)
    return pieces, _run(_INSERT_RATINGS, values)


def correct(district: District, at: datetime, names: Names) -> tuple[int, int]:
    """
    Correct pieces and ratings whose file says otherwise now; return how many of each.

    A rating whose piece is corrected gets a successor even where its points stay.
    """
    values = {"district": district.pk, "at": at}
    _run("DROP TABLE IF EXISTS pg_temp.moved")
    _run(_MOVED)
    pieces = _run(_CORRECT_EVIDENCE, values)
    _run("DROP TABLE IF EXISTS pg_temp.corrected")
    _run(_CORRECTED)
    for number, competency, pinned, day, *what in list(_stream(_MOVED_ALONG)):
        title, kind, assessor, assessment = what
        task = task_of(
            assessment_id=assessment, title=title, kind=kind, assessor_id=assessor, day=day
        )
        version = names.pinned(competency, day).version_id if names.rates(competency) else pinned
        _run(_PIN, {"id": number, "version": version, "task": task})
    ratings = _run(_CORRECT_RATINGS, values)
    _run(_NOTE_CORRECTIONS, values)
    return pieces, ratings


def unchanged() -> int:
    """Return how many rows of the file say what is here already."""
    return int(next(_stream(_UNCHANGED))[0])


def changed_pairs(at_once: int) -> Iterator[list[tuple[int, int]]]:
    """Yield the pairs of student and competency that got or changed a rating, in portions."""
    portion: list[tuple[int, int]] = []
    for pair in _stream(_CHANGED_PAIRS):
        portion.append(pair)
        if len(portion) >= at_once:
            yield portion
            portion = []
    if portion:
        yield portion


def _run(sql: str, values: Mapping[str, Any] | None = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def _stream(sql: str, values: Mapping[str, Any] | None = None) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, values)
        while rows := cursor.fetchmany(2000):
            yield from rows


_TWICE = """
SELECT line, first FROM (
    SELECT line, first_value(line) OVER w AS first FROM staged
    WINDOW w AS (PARTITION BY external_id, competency ORDER BY line)) AS seen
WHERE line <> first ORDER BY line
"""
_DIFFERING = f"""
SELECT later.line, first.line FROM staged later
JOIN (SELECT DISTINCT ON (external_id) * FROM staged ORDER BY external_id, line) AS first
    USING (external_id)
WHERE (later.student, {_columns("later")}) IS DISTINCT FROM (first.student, {_columns("first")})
ORDER BY 1
"""  # noqa: S608  (columns named above)
_FOREIGN = """
SELECT staged.line FROM staged JOIN assessments_evidence e
  ON e.district_id = %(district)s AND e.source = %(source)s
 AND e.external_id = staged.external_id AND e.replaces IS NULL
WHERE e.student_id <> staged.student ORDER BY 1
"""
# The last row of a chain of pieces is the one that no other replaces.
_MATCH_PIECE = """
UPDATE staged SET piece = first.id, evidence = latest.id
FROM assessments_evidence first
JOIN assessments_evidence latest
  ON latest.student_id = first.student_id AND latest.piece = first.id AND NOT EXISTS (
    SELECT 1 FROM assessments_evidence newer
    WHERE newer.district_id = latest.district_id AND newer.replaces = latest.id)
WHERE first.district_id = %(district)s AND first.source = %(source)s
  AND first.external_id = staged.external_id AND first.replaces IS NULL
"""
# Voided ones are matched too: a void is final, so such a row says nothing new.
_MATCH_RATING = """
UPDATE staged SET standing = r.id
FROM assessments_rating r
WHERE staged.piece IS NOT NULL AND r.student_id = staged.student
  AND r.competency_id = staged.competency AND r.piece = staged.piece
  AND NOT EXISTS (SELECT 1 FROM assessments_rating newer
                  WHERE newer.district_id = r.district_id AND newer.replaces = r.id)
"""
_INSERT_EVIDENCE = f"""
WITH first AS (
    SELECT DISTINCT ON (external_id) external_id, line, {_OF_PIECE}
    FROM staged WHERE piece IS NULL ORDER BY external_id, line),
numbered AS (
    SELECT nextval(pg_get_serial_sequence('assessments_evidence', 'id')) AS id, ordered.*
    FROM (SELECT * FROM first ORDER BY line) AS ordered),
inserted AS (
    INSERT INTO assessments_evidence (id, public_id, district_id, student_id, title, kind,
        purpose, application, setting, modality, situation, conditions, demonstrated_on,
        position, piece, source, external_id, comment, recorded_at, released_at, by_substitute)
    SELECT id, gen_random_uuid(), %(district)s, student, title, kind, purpose, application,
        setting, modality, situation, conditions, demonstrated_on, id, id, %(source)s,
        external_id, comment, %(at)s, %(at)s, false
    FROM numbered
    RETURNING id, external_id)
UPDATE staged SET evidence = inserted.id FROM inserted
WHERE staged.external_id = inserted.external_id AND staged.piece IS NULL
"""  # noqa: S608  (columns named above)
_NAME_NEW_RATINGS = """
UPDATE staged SET rating = numbered.id
FROM (SELECT line, nextval(pg_get_serial_sequence('assessments_rating', 'id')) AS id
      FROM (SELECT line FROM staged WHERE standing IS NULL ORDER BY line) AS ordered) AS numbered
WHERE staged.line = numbered.line
"""
_INSERT_RATINGS = """
INSERT INTO assessments_rating (id, district_id, evidence_id, student_id, competency_id, points,
    mark, demonstrated_on, position, piece, chain, task, kind, purpose, application, setting,
    conditions, assessor_id, scale_id, policy_version_id, recorded_at, first_recorded_at)
SELECT staged.rating, %(district)s, e.id, e.student_id, staged.competency, staged.points,
    staged.mark, e.demonstrated_on, e.position, e.piece, staged.rating, staged.task, e.kind,
    e.purpose, e.application, e.setting, e.conditions, staged.assessor, staged.scale,
    staged.policy_version, %(at)s, %(at)s
FROM staged JOIN assessments_evidence e ON e.id = staged.evidence
WHERE staged.standing IS NULL
"""
# Pieces whose line differs from what stands here and from what the last import wrote: a person's
# correction has an author and is not the import's to take back. The first comparison is by key
# and leaves few rows for the second, which reads a student's rows.
_MOVED = f"""
CREATE TEMPORARY TABLE moved ON COMMIT DROP AS
WITH differing AS MATERIALIZED (
    SELECT DISTINCT ON (staged.piece) staged.*
    FROM staged JOIN assessments_evidence e ON e.id = staged.evidence
    WHERE staged.piece IS NOT NULL
      AND ({_columns("e")}) IS DISTINCT FROM ({_columns("staged")})
    ORDER BY staged.piece, staged.line)
SELECT nextval(pg_get_serial_sequence('assessments_evidence', 'id')) AS id,
    differing.piece, differing.evidence AS old, differing.line
FROM differing JOIN LATERAL (
    SELECT * FROM assessments_evidence e
    WHERE e.student_id = differing.student AND e.piece = differing.piece
      AND e.recorded_by_id IS NULL
    ORDER BY e.id DESC LIMIT 1) AS said ON true
WHERE ({_columns("said")}) IS DISTINCT FROM ({_columns("differing")})
"""  # noqa: S608  (columns named above)
_CORRECT_EVIDENCE = """
INSERT INTO assessments_evidence (id, public_id, district_id, student_id, assessment_id, title,
    kind, purpose, application, setting, modality, situation, conditions, demonstrated_on,
    position, piece, replaces, source, external_id, comment, recorded_at, released_at,
    by_substitute, confirmed_at, confirmed_by_id)
SELECT moved.id, gen_random_uuid(), old.district_id, old.student_id, old.assessment_id,
    staged.title, staged.kind, staged.purpose, staged.application, staged.setting,
    staged.modality, staged.situation, staged.conditions, staged.demonstrated_on, old.position,
    old.piece, old.id, old.source, old.external_id, staged.comment, %(at)s, old.released_at,
    old.by_substitute, old.confirmed_at, old.confirmed_by_id
FROM moved JOIN staged USING (line) JOIN assessments_evidence old ON old.id = moved.old
"""
# Ratings that get a successor: those whose points or mark the file changed, and every standing
# one of a piece that moved, the file's or not.
_CORRECTED = """
CREATE TEMPORARY TABLE corrected ON COMMIT DROP AS
WITH differing AS MATERIALIZED (
    SELECT r.id AS old, r.student_id, r.chain, staged.points, staged.mark
    FROM staged JOIN assessments_rating r ON r.id = staged.standing
    WHERE r.voided_at IS NULL
      AND (r.points, r.mark) IS DISTINCT FROM (staged.points, staged.mark)),
revised AS (
    SELECT differing.* FROM differing JOIN LATERAL (
        SELECT w.points, w.mark FROM assessments_rating w
        WHERE w.student_id = differing.student_id AND w.chain = differing.chain
          AND (w.replaces IS NULL OR EXISTS (
            SELECT 1 FROM students_historyentry h
            WHERE h.district_id = w.district_id AND h.object_type = 'rating'
              AND h.object_id = w.id AND h.action = 'import_correction'))
        ORDER BY w.id DESC LIMIT 1) AS said ON true
    WHERE (said.points, said.mark) IS DISTINCT FROM (differing.points, differing.mark)),
carried AS (
    SELECT r.id AS old, moved.id AS evidence, r.points, r.mark
    FROM moved JOIN assessments_evidence e ON e.id = moved.old
    JOIN assessments_rating r ON r.student_id = e.student_id AND r.piece = e.piece
    WHERE r.voided_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM assessments_rating newer
        WHERE newer.district_id = r.district_id AND newer.replaces = r.id))
SELECT nextval(pg_get_serial_sequence('assessments_rating', 'id')) AS id, found.*,
    staged.policy_version, staged.task
FROM (
    SELECT coalesce(revised.old, carried.old) AS old, carried.evidence,
           revised.old IS NOT NULL AS revised,
           CASE WHEN revised.old IS NULL THEN carried.points ELSE revised.points END AS points,
           coalesce(revised.mark, carried.mark) AS mark
    FROM revised FULL JOIN carried USING (old)
    ORDER BY 1) AS found
LEFT JOIN staged ON staged.standing = found.old
"""
# A rating of a moved piece that the file does not list moves along; its rule and its task go
# with the new day all the same.
_MOVED_ALONG = """
SELECT c.id, r.competency_id, r.policy_version_id, e.demonstrated_on, e.title, e.kind,
    r.assessor_id, e.assessment_id
FROM corrected c JOIN assessments_rating r ON r.id = c.old
JOIN assessments_evidence e ON e.id = c.evidence
WHERE c.policy_version IS NULL
"""
_PIN = "UPDATE corrected SET policy_version = %(version)s, task = %(task)s WHERE id = %(id)s"
_CORRECT_RATINGS = """
INSERT INTO assessments_rating (id, district_id, evidence_id, student_id, competency_id, points,
    mark, demonstrated_on, position, piece, chain, replaces, task, kind, purpose, application,
    setting, conditions, assessor_id, scale_id, policy_version_id, recorded_at,
    first_recorded_at)
SELECT c.id, old.district_id, e.id, old.student_id, old.competency_id, c.points, c.mark,
    e.demonstrated_on, e.position, e.piece, old.chain, old.id,
    CASE WHEN c.evidence IS NULL THEN old.task ELSE c.task END, e.kind, e.purpose,
    e.application, e.setting, e.conditions, old.assessor_id, old.scale_id,
    CASE WHEN c.evidence IS NULL THEN old.policy_version_id ELSE c.policy_version END, %(at)s,
    old.first_recorded_at
FROM corrected c
JOIN assessments_rating old ON old.id = c.old
JOIN assessments_evidence e ON e.id = coalesce(c.evidence, old.evidence_id)
"""
_NOTE_CORRECTIONS = """
INSERT INTO students_historyentry (district_id, action, object_type, object_id, student_id,
    before, after, reason, at)
SELECT old.district_id,
    CASE WHEN c.revised THEN 'import_correction' ELSE 'import_carried' END,
    'rating', c.id, old.student_id,
    jsonb_build_object('rating', old.id, 'points', old.points, 'mark', old.mark),
    jsonb_build_object('rating', c.id, 'points', c.points, 'mark', c.mark), '', %(at)s
FROM corrected c JOIN assessments_rating old ON old.id = c.old
"""
_UNCHANGED = """
SELECT count(*) FROM staged
WHERE standing IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM corrected WHERE corrected.old = staged.standing)
"""
_CHANGED_PAIRS = """
SELECT DISTINCT student, competency FROM (
    SELECT student, competency FROM staged WHERE standing IS NULL
    UNION ALL
    SELECT r.student_id, r.competency_id FROM corrected c
    JOIN assessments_rating r ON r.id = c.id) AS changed
ORDER BY 1, 2
"""
