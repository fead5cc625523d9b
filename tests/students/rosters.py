"""
A small roster to test with: one school, a class, two students, a teacher, a guardian.

``make_package(folder)`` writes it; ``make_package(folder, users=[...])`` with other rows in a
file, ``without=("roles",)`` with a file left out, ``modes={"users": "delta"}`` with another mode.
"""

import csv
from pathlib import Path

from students.oneroster.columns import FILES, TABLES

ORGS = [
    {"sourcedId": "d", "name": "Norte", "type": "district", "identifier": "N"},
    {"sourcedId": "s", "name": "Río", "type": "school", "parentSourcedId": "d"},
]
SESSIONS = [
    {
        "sourcedId": "y",
        "title": "2025/26",
        "type": "schoolYear",
        "startDate": "2025-09-01",
        "endDate": "2026-07-01",
        "schoolYear": "2026",
    },
    {
        "sourcedId": "t1",
        "title": "Autumn",
        "type": "term",
        "startDate": "2025-09-01",
        "endDate": "2026-01-01",
        "parentSourcedId": "y",
        "schoolYear": "2026",
    },
]
COURSES = [
    {
        "sourcedId": "c",
        "schoolYearSourcedId": "y",
        "title": "Mathematics 7",
        "courseCode": "MA7",
        "grades": "07",
        "orgSourcedId": "s",
        "subjects": "maths,numbers",
    }
]
CLASSES = [
    {
        "sourcedId": "k",
        "title": "Maths 7A",
        "grades": "07",
        "courseSourcedId": "c",
        "classCode": "7A",
        "classType": "scheduled",
        "location": "Room 3",
        "schoolSourcedId": "s",
        "termSourcedIds": "y,t1",
        "metadata.room": "north",
    }
]


def person(key: str, given: str, family: str, **more: str) -> dict[str, str]:
    return {
        "sourcedId": key,
        "enabledUser": "true",
        "username": f"{given}.{family}".lower(),
        "givenName": given,
        "familyName": family,
        **more,
    }


def role(key: str, user: str, name: str, **more: str) -> dict[str, str]:
    return {
        "sourcedId": key,
        "userSourcedId": user,
        "roleType": "primary",
        "role": name,
        "orgSourcedId": "s",
        **more,
    }


def enrollment(key: str, user: str, name: str, **more: str) -> dict[str, str]:
    return {
        "sourcedId": key,
        "classSourcedId": "k",
        "schoolSourcedId": "s",
        "userSourcedId": user,
        "role": name,
        **more,
    }


USERS = [
    person("ana", "Ana", "Díaz", identifier="1001", grades="07", agentSourcedIds="eva"),
    person("ben", "Ben", "Ng", identifier="1002", grades="08,09", pronouns="they"),
    person("eva", "Eva", "Díaz", agentSourcedIds="ben", email="eva@example.org"),
    person("rosa", "Rosa", "Gil", middleName="del Mar", **{"metadata.badge": "77"}),
]
ROLES = [
    role("r-ana", "ana", "student", beginDate="2025-09-01"),
    role("r-ben", "ben", "student"),
    role("r-eva", "eva", "parent"),
    role("r-rosa", "rosa", "teacher"),
]
ENROLLMENTS = [
    enrollment("e-ana", "ana", "student", primary="false"),
    enrollment("e-ben", "ben", "student", beginDate="2025-09-08", endDate="2026-06-20"),
    enrollment("e-rosa", "rosa", "teacher", primary="true"),
]
DEMOGRAPHICS = [
    {"sourcedId": "ana", "birthDate": "2013-04-05", "sex": "female", "asian": "true"},
]
FILES_1_2 = {
    "orgs": ORGS,
    "academicSessions": SESSIONS,
    "courses": COURSES,
    "classes": CLASSES,
    "users": USERS,
    "roles": ROLES,
    "enrollments": ENROLLMENTS,
    "demographics": DEMOGRAPHICS,
}


def as_1_1(users: list[dict[str, str]], roles: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return users with their role in their own row, as 1.1 has them."""
    by_user = {row["userSourcedId"]: row for row in roles}
    return [
        {
            **user,
            "role": by_user[user["sourcedId"]]["role"],
            "orgSourcedIds": by_user[user["sourcedId"]]["orgSourcedId"],
        }
        for user in users
    ]


def write_manifest(folder: Path, version: str, modes: dict[str, str]) -> None:
    lines = ["propertyName,value", "manifest.version,1.0", f"oneroster.version,{version}"]
    lines += [f"file.{file},{modes.get(file, 'absent')}" for file in FILES[version]]
    (folder / "manifest.csv").write_text("\n".join([*lines, "source.systemName,Cairn\n"]))


def make_package(
    folder: Path,
    *,
    version: str = "1.2",
    without: tuple[str, ...] = (),
    modes: dict[str, str] | None = None,
    **files: list[dict[str, str]],
) -> Path:
    """Write a package of the standard's form, rows as given; ``files`` replace the small ones."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {**FILES_1_2, **files}
    if version == "1.1" and "users" not in files:
        found["users"] = as_1_1(found["users"], found["roles"])
    found = {
        file: rows
        for file, rows in found.items()
        if file in TABLES[version] and file not in without
    }
    for file, rows in found.items():
        write_file(folder / f"{file}.csv", version, file, rows)
    write_manifest(folder, version, {**dict.fromkeys(found, "bulk"), **(modes or {})})
    return folder


def write_file(path: Path, version: str, file: str, rows: list[dict[str, str]]) -> None:
    columns = [column.name for column in TABLES[version][file]]
    columns += sorted({name for row in rows for name in row if name.startswith("metadata.")})
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
