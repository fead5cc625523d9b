"""People of a roster: users, students, and what subgroup reports need."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db.models import CharField, Q, Value
from django.db.models.functions import Cast, Concat

from students.actions.roster.places import keep_order
from students.actions.roster.sync import Run, Wanted, chunks, finish, leftover, sync
from students.models import Student, StudentAttributes, User
from students.models.people import sort_key
from students.oneroster.columns import RACES
from students.oneroster.diagnostics import Diagnostics
from students.oneroster.tables import Row, Table

_MODELLED = ("username", "givenName", "familyName", "identifier", "email", "orgSourcedIds", "role")


def import_users(run: Run, table: Table, diagnostics: Diagnostics) -> None:
    """
    Import people. Nobody gets a password, and what a password column holds is never read.

    :raises ImportRefused: if a name to sign in by is somebody else's, or an identifier was
        given to another person; both are named.
    """
    _make_way(run, table, diagnostics)
    diagnostics.refuse_errors()
    disabled_here = _disabled_here(run)

    def wanted(row: Row) -> Wanted:
        return row.key, _user_values(run, row, disabled_here)

    def no_password() -> dict[str, Any]:
        return {"password": make_password(None)}

    sync(run, "users", User, map(wanted, table.staying), at_first=no_password)
    finish(
        run,
        "users",
        User,
        mode=table.mode,
        listed={row.key for row in table.staying},
        leaving=(row.key for row in table.leaving),
    )


def _user_values(run: Run, row: Row, disabled_here: set[str]) -> dict[str, Any]:
    kept = leftover(row, _MODELLED)
    if "orgSourcedIds" in dict(row.items()):
        keep_order(kept, "orgSourcedIds", row.list("orgSourcedIds"))
    return {
        "sign_in_name": sign_in_name(row["username"], run.district.code),
        "username": row["username"],
        "given_name": row["givenName"],
        "family_name": row["familyName"],
        "sort_key": sort_key(row["familyName"], row["givenName"]),
        "email": row["email"],
        "identifier": row["identifier"],
        # Who was shut out here stays out while the feed says only what it said before.
        "is_active": row["enabledUser"] == "true" and row.key not in disabled_here,
        "roster": kept,
    }


def _disabled_here(run: Run) -> set[str]:
    return set(
        User.objects.filter(
            district=run.district, is_active=False, roster__enabledUser="true"
        ).values_list("sourced_id", flat=True)
    )


def sign_in_name(username: str, code: str) -> str:
    return f"{username}@{code}"


def _make_way(run: Run, table: Table, diagnostics: Diagnostics) -> None:
    """
    Compare with everyone held, one pass: name collisions, and let go of names that change hands.

    A person who has left keeps no claim on a username; somebody who is there does.
    """
    by_key = {row.key: row for row in table.staying}
    by_name = {
        sign_in_name(row["username"], run.district.code).casefold(): row for row in table.staying
    }
    leaving = {row.key for row in table.leaving}
    let_go: list[int] = []
    for user in _everyone(run):
        row = by_key.get(user.sourced_id) if user.sourced_id else None
        taker = by_name.get(user.sign_in_name.casefold())
        if row is not None:
            _check_same_person(table, row, user, diagnostics)
        if taker is None or taker is row:
            continue
        is_going = user.deactivated_at is not None or user.sourced_id in leaving
        is_absent = bool(user.sourced_id) and table.mode == "bulk"
        if row is not None or is_going or is_absent:
            let_go.append(user.pk)
        else:
            _refuse_name(table, taker, user, diagnostics)
    for chunk in chunks(let_go):
        User.objects.filter(pk__in=chunk).update(
            sign_in_name=Concat(Cast("public_id", CharField()), Value(f"@{run.district.code}"))
        )


def _everyone(run: Run) -> Iterable[User]:
    return (
        User.objects.filter(Q(district=run.district) | Q(district__isnull=True))
        .only(
            "sourced_id",
            "sign_in_name",
            "username",
            "given_name",
            "family_name",
            "identifier",
            "deactivated_at",
        )
        .iterator(chunk_size=2000)
    )


def _refuse_name(table: Table, row: Row, user: User, diagnostics: Diagnostics) -> None:
    diagnostics.error(
        table.name,
        row.number,
        "username",
        "row.duplicate_username",
        f"Username {row['username']} of {table.label(row)} is already {user.name}'s. "
        "Give one of them another.",
    )


def _check_same_person(table: Table, row: Row, user: User, diagnostics: Diagnostics) -> None:
    """Evidence hangs on the identifier: refuse it when everything about the person is new."""
    pairs = (
        (row["givenName"], user.given_name),
        (row["familyName"], user.family_name),
        (row["username"], user.username),
    )
    is_same_number = row["identifier"] and row["identifier"] == user.identifier
    if not is_same_number and all(new.casefold() != old.casefold() for new, old in pairs):
        diagnostics.error(
            table.name,
            row.number,
            "sourcedId",
            "semantic.identifier_used_again",
            f"sourcedId {row.key} is {user.name}'s and is now given to {table.label(row)}. "
            "A new person needs a new identifier.",
        )


def import_students(
    run: Run, users: Table | None, learning: set[str], diagnostics: Diagnostics
) -> None:
    """
    See that everyone in ``learning`` has a student row, with the number that the roster gives.

    A duplicate that was merged is left as it is. Two queries a thousand people.

    :raises ImportRefused: if a number is another student's; both are named.
    """
    rows = {row.key: row for row in users.staying} if users else {}
    new: list[Student] = []
    changed: list[Student] = []
    count = 0
    for keys in chunks(sorted(learning | rows.keys())):
        people = User.objects.filter(district=run.district, sourced_id__in=keys)
        for user in people.select_related("student").order_by("pk"):
            student = getattr(user, "student", None)
            if student is None and user.sourced_id not in learning:
                continue
            count += 1
            number = user.identifier[:100]
            if student is None:
                new.append(Student(district=run.district, user=user, number=number))
            elif student.number != number and student.merged_into_id is None:
                student.number = number
                changed.append(student)
    _refuse_numbers(run, [*new, *changed], rows, diagnostics)
    diagnostics.refuse_errors()
    for chunk in chunks(changed):
        # Two students may have changed numbers with each other.
        Student.objects.filter(pk__in=[student.pk for student in chunk]).update(number="")
    for chunk in chunks(changed):
        Student.objects.bulk_update(chunk, ["number"])
    for chunk in chunks(new):
        Student.objects.bulk_create(chunk)
    run.summary.count("created", "students", len(new))
    run.summary.count("changed", "students", len(changed))
    run.summary.count("unchanged", "students", count - len(new) - len(changed))


def _refuse_numbers(
    run: Run, students: list[Student], rows: dict[str, Row], diagnostics: Diagnostics
) -> None:
    taken = {student.number: student for student in students if student.number}
    changing = {student.pk for student in students if student.pk}
    for chunk in chunks(taken):
        holders = Student.objects.filter(district=run.district, number__in=chunk)
        for holder in holders.select_related("user"):
            if holder.pk in changing:
                continue
            user = taken[holder.number].user
            row = rows.get(user.sourced_id)
            diagnostics.error(
                "users.csv",
                row.number if row else None,
                "identifier",
                "row.duplicate_student_number",
                f"Student number {holder.number} of {user.name} is already {holder.user.name}'s. "
                "If they are one person, keep the sourcedId "
                f"{holder.user.sourced_id or 'of the first'}.",
            )


def student_ids(run: Run) -> dict[str, int]:
    """Return the student of every roster identifier; a merged duplicate gives the one kept."""
    return {
        key: merged or pk
        for key, pk, merged in Student.objects.filter(district=run.district)
        .exclude(user__sourced_id="")
        .values_list("user__sourced_id", "pk", "merged_into_id")
        .iterator()
    }


_TRUTHS = frozenset(RACES)


def import_demographics(run: Run, table: Table, diagnostics: Diagnostics) -> None:
    """
    Keep what subgroup reports need, for students only; nobody else's is kept.

    Values that other sources added stay. A student no longer listed keeps what is known.
    """
    students = student_ids(run)
    for rows in chunks(table.rows):
        wanted = {}
        for row in rows:
            if row.key in students:
                wanted[students[row.key]] = row
            elif not row.is_leaving:
                diagnostics.warn(
                    table.name,
                    row.number,
                    "sourcedId",
                    "demographics.not_a_student",
                    "Not a student; not kept.",
                )
        _write_demographics(run, wanted)
        run.progress.advance(len(rows))


def _write_demographics(run: Run, wanted: dict[int, Row]) -> None:
    held = StudentAttributes.objects.in_bulk(list(wanted))
    new, changed = [], []
    for student_id, row in wanted.items():
        birth_date, attributes = _demographics(row)
        attributes_row = held.get(student_id)
        if attributes_row is None:
            new.append(
                StudentAttributes(
                    student_id=student_id, birth_date=birth_date, attributes=attributes
                )
            )
            continue
        others = {
            name: value
            for name, value in attributes_row.attributes.items()
            if name not in _COLUMNS and not name.startswith("metadata.")
        }
        attributes = {**others, **attributes}
        if (attributes_row.birth_date, attributes_row.attributes) != (birth_date, attributes):
            attributes_row.birth_date, attributes_row.attributes = birth_date, attributes
            changed.append(attributes_row)
    StudentAttributes.objects.bulk_create(new)
    StudentAttributes.objects.bulk_update(changed, ["birth_date", "attributes"])
    run.summary.count("created", "demographics", len(new))
    run.summary.count("changed", "demographics", len(changed))
    run.summary.count("unchanged", "demographics", len(wanted) - len(new) - len(changed))


_COLUMNS = frozenset(
    {
        *RACES,
        "sex",
        "countryOfBirthCode",
        "stateOfBirthAbbreviation",
        "cityOfBirth",
        "publicSchoolResidenceStatus",
    }
)


def _demographics(row: Row) -> tuple[date | None, dict[str, Any]]:
    """Return the birth date and the attributes of a row; nothing for one to be deleted."""
    if row.is_leaving:
        return None, {}
    kept: dict[str, Any] = leftover(row, ("birthDate",))
    for name in _TRUTHS & kept.keys():
        kept[name] = kept[name] == "true"
    return (date.fromisoformat(row["birthDate"]) if row["birthDate"] else None), kept
