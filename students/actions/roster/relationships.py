"""Who is where: roles at schools, classes, guardians."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from django.db.models import CharField, F, OuterRef, Q, Subquery, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from students.actions.roster.people import student_ids
from students.actions.roster.sync import (
    Run,
    Wanted,
    chunks,
    finish,
    leftover,
    retire,
    retire_absent,
    row_ids,
    sync,
    write_changes,
)
from students.models import (
    Enrollment,
    Guardianship,
    School,
    SchoolEnrollment,
    SchoolRole,
    Section,
    Student,
    TeachingAssignment,
    User,
)
from students.oneroster.roles import identifier
from students.oneroster.tables import Row, Table

STUDENT = "student"
AGENTS = "agentSourcedIds"


def import_roles(run: Run, table: Table, *, of_users: set[str] | None) -> None:
    """
    Import what people are at which organisation; students' roles put them in the school.

    No role of a roster makes an administrator: it is kept for the exchange, and what a person
    granted ends when the roster changes the role. ``of_users`` are those to whom the rows are
    all there is, where the table is not complete and yet says everything about some.
    """
    schools = row_ids(School, run.district)
    users = row_ids(User, run.district)
    students = student_ids(run)
    grades = _grades(run)
    modelled = ("userSourcedId", "orgSourcedId", "beginDate", "endDate", "role")

    def values(row: Row) -> dict[str, Any]:
        return {
            "school_id": schools[row["orgSourcedId"]],
            **_days(row),
            "roster": leftover(row, modelled),
        }

    def in_school(row: Row) -> Wanted:
        student = students[row["userSourcedId"]]
        return row.key, {
            **values(row),
            "student_id": student,
            "grade": grades.get(student, ""),
        }

    def at_school(row: Row) -> Wanted:
        user = row["userSourcedId"]
        return row.key, {**values(row), "user_id": users[user], "role": row["role"]}

    learning = [row for row in table.staying if row["role"] == STUDENT]
    others = [row for row in table.staying if row["role"] != STUDENT]
    sync(run, "roles", SchoolEnrollment, map(in_school, learning))
    sync(run, "roles", SchoolRole, map(at_school, others), once_more={"granted_by_id": None})
    leaving = [row.key for row in table.leaving]
    for model, rows, person in (
        (SchoolEnrollment, learning, "student__user"),
        (SchoolRole, others, "user"),
    ):
        listed = {row.key for row in rows}
        finish(run, "roles", model, mode=table.mode, listed=listed, leaving=leaving)
        if table.mode == "delta":
            moved = {row.key for row in table.staying} - listed
            _retire_moved(run, "roles", model, moved)
        if table.mode == "delta" and of_users is not None:
            for chunk in chunks(sorted(of_users)):
                among = Q(**{f"{person}__sourced_id__in": chunk})
                retire_absent(run, "roles", model, listed, among)


def _retire_moved(run: Run, kind: str, model: type[Any], moved: set[str]) -> None:
    """Deactivate here what a delta made another kind of relationship."""
    for chunk in chunks(sorted(moved)):
        held = model.objects.filter(
            district=run.district, sourced_id__in=chunk, deactivated_at__isnull=True
        )
        retire(run, kind, model, list(held.values_list("pk", flat=True)))


def align_grades(run: Run) -> None:
    """Give school enrolments the grade that the users file says, where only that file came."""
    told = (
        User.objects.filter(student=OuterRef("student"))
        .annotate(told=Coalesce(KT("roster__grades"), Value(""), output_field=CharField()))
        .values("told")
    )
    rows = (
        SchoolEnrollment.objects.filter(district=run.district, deactivated_at__isnull=True)
        .exclude(sourced_id="")
        .annotate(told=Subquery(told))
        .exclude(told="", grade="")
        .exclude(told=F("grade"))
        .values_list("pk", "grade", "told")
    )
    by_grade: dict[str, list[int]] = {}
    for pk, grade, grades in rows.iterator():
        first = grades.split(",")[0]
        if first != grade:
            by_grade.setdefault(first, []).append(pk)
    for grade, ids in sorted(by_grade.items()):
        SchoolEnrollment.objects.filter(pk__in=ids).update(grade=grade)
        run.summary.count("changed", "roles", len(ids))


def _grades(run: Run) -> dict[int, str]:
    """Return the grade of every student whose roster row names one; of several, the first."""
    rows = Student.objects.filter(district=run.district, user__roster__has_key="grades")
    return {
        pk: grades.split(",")[0]
        for pk, grades in rows.values_list("pk", "user__roster__grades").iterator()
    }


def import_enrollments(run: Run, table: Table) -> None:
    """Import who learns and who teaches in which class."""
    sections = row_ids(Section, run.district)
    schools = dict(
        Section.objects.filter(district=run.district)
        .exclude(sourced_id="")
        .values_list("sourced_id", "school__sourced_id")
    )
    users = row_ids(User, run.district)
    students = student_ids(run)

    def values(row: Row, modelled: Iterable[str]) -> dict[str, Any]:
        kept = leftover(row, ("classSourcedId", "userSourcedId", "beginDate", "endDate", *modelled))
        if kept.get("schoolSourcedId") == schools[row["classSourcedId"]]:
            del kept["schoolSourcedId"]
        return {"section_id": sections[row["classSourcedId"]], **_days(row), "roster": kept}

    def learns(row: Row) -> Wanted:
        student = students[row["userSourcedId"]]
        return row.key, {**values(row, ("role",)), "student_id": student}

    def teaches(row: Row) -> Wanted:
        # The file's own words are kept with it: two of them may mean one role here.
        user = users[row["userSourcedId"]]
        return row.key, {**values(row, ()), "user_id": user, "role": teaching_role(row)}

    learning = [row for row in table.staying if row["role"] == STUDENT]
    teaching = [row for row in table.staying if row["role"] != STUDENT]
    sync(run, "enrollments", Enrollment, map(learns, learning))
    sync(run, "enrollments", TeachingAssignment, map(teaches, teaching))
    leaving = [row.key for row in table.leaving]
    for model, rows in ((Enrollment, learning), (TeachingAssignment, teaching)):
        listed = {row.key for row in rows}
        finish(run, "enrollments", model, mode=table.mode, listed=listed, leaving=leaving)
        if table.mode == "delta":
            moved = {row.key for row in table.staying} - listed
            _retire_moved(run, "enrollments", model, moved)


_TEACHING = {
    "administrator": TeachingAssignment.Role.ADMINISTRATOR,
    "ext:aide": TeachingAssignment.Role.AIDE,
    "ext:substitute": TeachingAssignment.Role.SUBSTITUTE,
}


def teaching_role(row: Row) -> str:
    """Return the role in a class; a word we do not know gives no access, as a proctor has none."""
    if row["role"] == "teacher":
        is_lead = row["primary"] == "true"
        return TeachingAssignment.Role.LEAD if is_lead else TeachingAssignment.Role.CO_TEACHER
    return _TEACHING.get(row["role"], TeachingAssignment.Role.PROCTOR)


def _days(row: Row) -> dict[str, date | None]:
    return {
        "starts_on": date.fromisoformat(row["beginDate"]) if row["beginDate"] else None,
        "ends_on": date.fromisoformat(row["endDate"]) if row["endDate"] else None,
    }


def import_guardians(run: Run) -> None:
    """
    Make guardianships equal to what people's rows say of each other, on either side.

    Reads everyone who names somebody, so that a link named by one of two rows of a delta
    stays while the other names it. Links made by hand are left alone.
    """
    wanted = dict(_links(run))
    held = {
        row.sourced_id: row
        for row in Guardianship.objects.filter(district=run.district).exclude(sourced_id="")
    }
    new, changed = [], []
    for key, (user_id, student_id, relation) in wanted.items():
        row = held.get(key)
        if row is None:
            new.append(
                Guardianship(
                    district=run.district,
                    sourced_id=key,
                    user_id=user_id,
                    student_id=student_id,
                    relation=relation,
                )
            )
        elif row.deactivated_at is not None or (row.relation, row.student_id) != (
            relation,
            student_id,
        ):
            row.deactivated_at, row.relation, row.student_id = None, relation, student_id
            changed.append(row)
    for chunk in chunks(new):
        Guardianship.objects.bulk_create(chunk)
    for chunk in chunks(changed):
        write_changes(Guardianship, chunk, ("relation", "student"))
    run.summary.count("created", "guardianships", len(new))
    run.summary.count("changed", "guardianships", len(changed))
    run.summary.count("unchanged", "guardianships", len(wanted) - len(new) - len(changed))
    gone = [row.pk for key, row in held.items() if key not in wanted and row.deactivated_at is None]
    retire(run, "guardianships", Guardianship, gone)


def _links(run: Run) -> Iterator[tuple[str, tuple[int, int, str]]]:
    """
    Yield each link once or twice: its identifier, and guardian, student, relation.

    Only who has a guardian's role is made one: sources also name siblings and advisers.
    """
    people = dict(
        User.objects.filter(district=run.district, deactivated_at__isnull=True)
        .exclude(sourced_id="")
        .values_list("sourced_id", "pk")
    )
    students = student_ids(run)
    relations = _relations(run)
    naming = User.objects.filter(
        district=run.district, deactivated_at__isnull=True, roster__has_key=AGENTS
    )
    for key, agents in naming.values_list("sourced_id", f"roster__{AGENTS}").iterator():
        for agent in agents.split(","):
            guardian, student = (agent, key) if key in students else (key, agent)
            if guardian in relations and student in students and agent in people:
                yield (
                    identifier("guardian", guardian, student),
                    (people[guardian], students[student], relations[guardian]),
                )


def _relations(run: Run) -> dict[str, str]:
    """Return what a guardian's role is called: guardian, parent or relative."""
    return dict(
        SchoolRole.objects.filter(
            district=run.district,
            deactivated_at__isnull=True,
            role__in=("guardian", "parent", "relative"),
        )
        .order_by("-role", "-pk")
        .values_list("user__sourced_id", "role")
    )
