"""Importing a package: all of it in one transaction, or nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models.functions import Now

from students.actions.roster.departures import (
    Departures,
    departures,
    follow_departures,
    presence,
)
from students.actions.roster.people import import_demographics, import_students, import_users
from students.actions.roster.places import (
    import_classes,
    import_courses,
    import_orgs,
    import_sessions,
)
from students.actions.roster.relationships import (
    align_grades,
    import_enrollments,
    import_guardians,
    import_roles,
)
from students.actions.roster.sync import Run
from students.models import District, HistoryEntry, Job, User
from students.models.organisation import validate_time_zone
from students.oneroster.diagnostics import Diagnostics, Profile
from students.oneroster.known import student_keys
from students.oneroster.reader import Roster, read_roster
from students.oneroster.roles import roles_of_users
from students.problems import Problem, Progress, Summary
from students.queries.roster import HeldRoster, org_kinds

JOB = "import_roster"


class NoDistrict(Exception):
    """There is no such district, or it cannot be made. The message is fit to show."""


class RosterHeld(Exception):
    """So many students would vanish that a person must confirm. Nothing was written but a job."""

    def __init__(
        self, schools: tuple[Departures, ...], summary: Summary, problems: tuple[Problem, ...]
    ) -> None:
        self.schools = schools
        self.summary = summary
        self.problems = problems
        super().__init__(
            "Held: more than 5 % or more than 25 students of a school would vanish. Nothing was "
            "changed. If that is right, run it again with --confirm-departures."
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import did, or would have done. ``job_id`` is None for a trial."""

    summary: Summary
    problems: tuple[Problem, ...]  # warnings
    departures: tuple[Departures, ...]
    job_id: int | None


def import_roster(
    *,
    path: Path,
    district_code: str,
    create_district: str = "",
    time_zone: str = "",
    is_trial: bool = False,
    departures_confirmed: bool = False,
    profile: Profile = "tolerant",
    actor: User | None = None,
    progress: Callable[[int | None, str], Progress],
) -> Outcome:
    """
    Make the district's roster equal to the package at ``path``, all or nothing.

    ``create_district`` is the name of a district to make if ``district_code`` is new;
    ``time_zone`` is for it and for new schools. A trial does everything and takes it back.
    ``progress`` makes a progress line from a total and a label. Imports of one district take
    turns. The same package again rewrites no row of the roster; each run leaves one job and one
    history entry. Queries: about three for every thousand rows.

    :raises NoDistrict: if the district is neither there nor to be made.
    :raises ImportRefused: with every problem, if there is an error in the package.
    :raises RosterHeld: if too many students would vanish and nobody has confirmed it.
    """
    diagnostics = Diagnostics(profile)
    try:
        with transaction.atomic():
            district = _locked_district(district_code, create_district, time_zone)
            outcome = _import(
                district, path, time_zone, diagnostics, departures_confirmed, actor, progress
            )
            if is_trial:
                transaction.set_rollback(True)
    except RosterHeld as held:
        if not is_trial:
            _record_held(district_code, held, actor)
        raise
    if is_trial:
        return Outcome(outcome.summary, outcome.problems, outcome.departures, None)
    return outcome


def _locked_district(code: str, create: str, time_zone: str) -> District:
    if time_zone:
        try:
            validate_time_zone(time_zone)
        except ValidationError as error:
            raise NoDistrict(error.messages[0]) from error
    # Not the key's lock: saving evidence, which refers to the district, never waits for us.
    found = District.objects.select_for_update(no_key=True).filter(code=code).first()
    if found:
        return found
    if not create:
        raise NoDistrict(f'There is no district {code}. Make it with --create-district "Name".')
    district = District(code=code, name=create, time_zone=time_zone or "UTC")
    try:
        district.full_clean()
    except ValidationError as error:
        raise NoDistrict(" ".join(error.messages)) from error
    district.save()
    return district


def _import(
    district: District,
    path: Path,
    time_zone: str,
    diagnostics: Diagnostics,
    departures_confirmed: bool,
    actor: User | None,
    progress: Callable[[int | None, str], Progress],
) -> Outcome:
    before = presence(district, _now())
    reading = progress(None, "Reading rows")
    roster = read_roster(
        path, held=HeldRoster(district), diagnostics=diagnostics, advance=reading.advance
    )
    reading.finish()
    run = Run(district, Summary(), progress(roster.rows(), "Writing rows"))
    _write(run, roster, time_zone or district.time_zone, diagnostics)
    run.progress.finish()
    lost = departures(before, presence(district, _now()))
    if not departures_confirmed and any(school.is_too_many for school in lost):
        raise RosterHeld(lost, run.summary, diagnostics.problems)
    job = _record_done(run, lost, actor)
    return Outcome(run.summary, diagnostics.problems, lost, job.pk)


def _write(run: Run, roster: Roster, time_zone: str, diagnostics: Diagnostics) -> None:
    tables = roster.tables
    if "orgs" in tables:
        import_orgs(run, tables["orgs"], time_zone)
    if "academicSessions" in tables:
        import_sessions(run, tables["academicSessions"])
    if "courses" in tables:
        import_courses(run, tables["courses"])
    if "classes" in tables:
        import_classes(run, tables["classes"])
    _write_people(run, roster, diagnostics)
    follow_departures(run)


def _write_people(run: Run, roster: Roster, diagnostics: Diagnostics) -> None:
    tables = roster.tables
    users = tables.get("users")
    if users:
        import_users(run, users, diagnostics)
    learning = student_keys(tables)
    if users or learning:
        import_students(run, users, learning, diagnostics)
    if roster.version == "1.1" and users:
        roles = roles_of_users(users, org_kinds(run.district))
        import_roles(run, roles, of_users={row.key for row in users.rows})
    elif "roles" in tables:
        import_roles(run, tables["roles"], of_users=None)
    if users:
        align_grades(run)
    if "enrollments" in tables:
        import_enrollments(run, tables["enrollments"])
    if users or "roles" in tables:
        import_guardians(run)
    if "demographics" in tables:
        import_demographics(run, tables["demographics"], diagnostics)


def _now() -> datetime:
    """Return the instant of this statement: what was deactivated earlier in the run is gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found


def _record_done(run: Run, lost: tuple[Departures, ...], actor: User | None) -> Job:
    result = _result(run.summary, lost)
    job = Job.objects.create(
        district=run.district,
        kind=JOB,
        state=Job.State.DONE,
        started_by=actor,
        total=run.progress.done,
        done=run.progress.done,
        result=result,
        finished_at=Now(),
    )
    HistoryEntry.objects.create(
        district=run.district,
        actor=actor,
        action=JOB,
        object_type="job",
        object_id=job.pk,
        after=result,
    )
    return job


def _record_held(code: str, held: RosterHeld, actor: User | None) -> None:
    Job.objects.create(
        district=District.objects.get(code=code),
        kind=JOB,
        state=Job.State.HELD,
        started_by=actor,
        result=_result(held.summary, held.schools),
    )


def _result(summary: Summary, lost: tuple[Departures, ...]) -> dict[str, Any]:
    """Return the record of a run: counts and identifiers of schools, nobody's name."""
    return {
        "rows": summary.as_dict(),
        "departures": [
            {
                "school": school.sourced_id or school.school_id,
                "students": school.students,
                "leaving": school.leaving,
                "leaving_classes": school.leaving_classes,
            }
            for school in lost
        ],
    }
