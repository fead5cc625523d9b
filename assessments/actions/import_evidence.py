"""
Import a file of evidence: staged row by row, checked and written by set, all or nothing.

The rows go to a temporary table first; nothing else is written until every row is good. Then
one transaction locks the students, inserts what is new and corrects what the file says
otherwise now. What a person corrected or voided after an earlier import stays as it is unless
the file itself changed.
"""

import zoneinfo
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from django.db import transaction

from assessments.actions import staging
from assessments.evidence_file.file import EvidenceFile, Print, Streamed
from assessments.evidence_file.names import Names
from assessments.evidence_file.rows import Row, staged_rows
from assessments.models import Rating
from assessments.signals import ratings_changed
from competencies.queries.clock import database_clock
from students.actions.locks import Locked, lock_students
from students.models import District, HistoryEntry, Job
from students.problems import ImportRefused, Progress, Summary

PAIRS_AT_ONCE = 20_000  # announced together
SOURCE = "import"


class _DryRun(Exception):
    pass


def import_evidence(
    *, district: District, path: Path, dry_run: bool, say: Print, progress: Progress | None = None
) -> Summary:
    """
    Import the evidence in ``path`` for ``district``; return what was done.

    Problems go to ``say`` as they are found. Memory does not grow with the file. The students
    in the file are locked for the time of the writing, some ten seconds for 100,000 rows.
    Ratings wait for the queue to decide them.

    :raises ImportRefused: if anything in the file is wrong; nothing was written.
    """
    diagnostics = Streamed(say)
    file = EvidenceFile(path, diagnostics)
    lines, sha256 = file.measure()
    if progress is not None:
        progress.total = lines
    if not lines and not path.stat().st_size:
        diagnostics.error(path.name, None, "", "file.empty", "The file is empty.")
        raise ImportRefused(())
    job = None if dry_run else _begin(district, lines, sha256)
    try:
        summary = _import(district, file, dry_run=dry_run, job=job, progress=progress)
    except ImportRefused:
        _end(job, Job.State.FAILED, {"errors": diagnostics.errors})
        raise
    except BaseException:
        _end(job, Job.State.FAILED, {})
        raise
    finally:
        for problem in diagnostics.problems:
            say(str(problem))
    _end(job, Job.State.DONE, summary.as_dict())
    return summary


def _import(
    district: District,
    file: EvidenceFile,
    *,
    dry_run: bool,
    job: Job | None,
    progress: Progress | None,
) -> Summary:
    summary = Summary()
    try:
        with transaction.atomic():
            staging.create()
            names = Names(district, _today(district))
            rows = _rows(file, names)
            count = staging.fill(_watched(rows, progress))
            if not count and not file.diagnostics.has_errors:
                _wrong(file, None, "", "table.no_rows", "The file has a header and no rows.")
            staging.check(district, SOURCE, lambda *problem: _wrong(file, *problem))
            if file.diagnostics.has_errors:
                raise ImportRefused(())
            locked = lock_students(staging.students())
            _write(district, locked, job, summary, names)
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return summary


def _write(
    district: District, locked: Locked, job: Job | None, summary: Summary, names: Names
) -> None:
    staging.match(district, SOURCE)
    pieces, ratings = staging.insert_new(district, SOURCE, locked.at)
    corrected_pieces, corrected = staging.correct(district, locked.at, names)
    unchanged = staging.unchanged()
    summary.count("created", "pieces", pieces)
    summary.count("created", "ratings", ratings)
    summary.count("changed", "pieces", corrected_pieces)
    summary.count("changed", "ratings", corrected)
    summary.count("unchanged", "ratings", unchanged)
    if not (ratings or corrected):
        return
    HistoryEntry.objects.create(
        district=district,
        action="import_evidence",
        object_type="job",
        object_id=job.pk if job else None,
        after={"created": ratings, "corrected": corrected},
    )
    for pairs in staging.changed_pairs(PAIRS_AT_ONCE):
        ratings_changed.send(sender=Rating, locked=locked, pairs=frozenset(pairs), in_bulk=True)


def _today(district: District) -> date:
    return database_clock().astimezone(zoneinfo.ZoneInfo(district.time_zone)).date()


def _rows(file: EvidenceFile, names: Names) -> Iterator[Row]:
    def say(row: int, column: str, code: str, message: str) -> None:
        _wrong(file, row, column, code, message)

    return staged_rows(file.records(), names, say)


def _wrong(file: EvidenceFile, row: int | None, column: str, code: str, message: str) -> None:
    file.diagnostics.error(file.path.name, row, column, code, message)


def _watched(rows: Iterator[Row], progress: Progress | None) -> Iterator[Row]:
    for row in rows:
        yield row
        if progress is not None:
            progress.advance()


def _begin(district: District, lines: int, sha256: str) -> Job:
    return Job.objects.create(
        district=district, kind="import_evidence", total=lines, result={"sha256": sha256}
    )


def _end(job: Job | None, state: str, result: Mapping[str, object]) -> None:
    if job is None:
        return
    job.state, job.result = state, job.result | dict(result)
    job.finished_at = database_clock()
    job.done = job.total or 0 if state == Job.State.DONE else 0
    job.save(update_fields=["state", "result", "finished_at", "done"])
