"""What is refused, what is tolerated, and that every problem is named at once."""

import io
import json
import os
import stat
import zipfile

import pytest

from students.models import people
from students.models.people import Student
from students.oneroster import columns, package
from students.oneroster.diagnostics import Diagnostics
from students.oneroster.known import Held
from students.oneroster.reader import read_roster
from students.problems import ImportRefused
from tests.students.rosters import (
    CLASSES,
    COURSES,
    DEMOGRAPHICS,
    ENROLLMENTS,
    ORGS,
    ROLES,
    SESSIONS,
    USERS,
    enrollment,
    make_package,
    person,
    role,
    write_manifest,
)


def read(path, profile="tolerant"):
    """Return the roster and the codes of what was tolerated."""
    diagnostics = Diagnostics(profile)
    roster = read_roster(path, held=Held(), diagnostics=diagnostics, advance=lambda number: None)
    return roster, {problem.code for problem in diagnostics.problems}


def problems(path, profile="tolerant"):
    """Return the errors by place: {(file, row, column): code}."""
    with pytest.raises(ImportRefused) as refusal:
        read(path, profile)
    return {
        (problem.file, problem.row, problem.column): problem.code
        for problem in refusal.value.problems
        if problem.is_error
    }


def message(path):
    with pytest.raises(ImportRefused) as refusal:
        read(path)
    return "\n".join(str(problem) for problem in refusal.value.problems)


def zipped(folder, target, **more):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
        for name, content in more.items():
            archive.writestr(name, content)
    return target


@pytest.fixture
def good(tmp_path):
    return make_package(tmp_path / "in")


def replace(folder, file, old, new):
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("profile", ["strict", "tolerant"])
def test_a_package_of_the_standard_has_nothing_to_remark(tmp_path, version, profile):
    roster, codes = read(make_package(tmp_path / "in", version=version), profile)

    assert codes == set()
    assert len(roster.tables["users"].rows) == 4


def test_a_zip_is_read_like_a_folder(tmp_path, good):
    roster, codes = read(zipped(good, tmp_path / "in.zip"))

    assert codes == set()
    assert roster.tables["users"].rows[0]["givenName"] == "Ana"


# Wrong things altogether


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file.empty"),
        (b"\n\n", "file.empty"),
        (json.dumps({"users": []}).encode(), "file.wrong_file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "file.wrong_file"),
        (b"PK\x03\x04" + bytes(50), "file.wrong_file"),
        (b"<html><body></body></html>", "file.wrong_file"),
        (b"sourcedId\x00,", "file.wrong_file"),
        ("sourcedId,status".encode("utf-16"), "file.utf16"),
        ("sourcedId,status".encode("utf-16-le"), "file.utf16"),
        (b"sourcedId;status;dateLastModified;name\no;;;Rio\n", "file.separator"),
        (b"sourcedId\tstatus\tname\no\t\tRio\n", "file.separator"),
        (b"sourcedId,status,dateLastModified,name,type\n", "table.missing_data_rows"),
        (b"sourcedId,status,dateLastModified,name,type\ns,,,R\xedo,school\n", "file.encoding"),
        (b'sourcedId,status,dateLastModified,name,type\ns,,,"Rio"x,school\n', "file.quoting"),
        (b'sourcedId,status,dateLastModified,name,type\ns,,,"Rio,school\n', "file.quoting"),
        (b"sourcedId,sourcedId,name,type\ns,s,Rio,school\n", "table.duplicate_header"),
        (b",".join([b"metadata.x%d" % n for n in range(300)]), "table.too_many_columns"),
    ],
)
def test_a_file_that_is_no_table_is_called_what_it_is(tmp_path, good, content, code):
    (good / "orgs.csv").write_bytes(content)

    # Nothing else is accused of what could not be read.
    assert set(problems(good).values()) == {code}


@pytest.mark.parametrize("name", ["in.zip", "users.csv"])
@pytest.mark.parametrize("content", [b"{}", b"\x89PNG\r\n", b"", b"a;b"])
def test_what_is_neither_a_zip_nor_a_folder_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)

    assert problems(tmp_path / name) == {(name, None, ""): "package.not_a_zip"}


def test_a_path_where_nothing_is_is_refused(tmp_path):
    assert set(problems(tmp_path / "no").values()) == {"package.not_found"}


def test_a_package_without_a_manifest_is_refused(good):
    (good / "manifest.csv").unlink()

    assert set(problems(good).values()) == {"package.missing_manifest"}


def test_a_truncated_zip_is_refused(tmp_path, good):
    whole = zipped(good, tmp_path / "whole.zip").read_bytes()
    (tmp_path / "half.zip").write_bytes(whole[: len(whole) // 2])

    assert set(problems(tmp_path / "half.zip").values()) == {"package.not_a_zip"}


def test_a_zip_with_a_damaged_file_is_refused(tmp_path, good):
    path = zipped(good, tmp_path / "in.zip")
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("users.csv").header_offset + 60
    content = bytearray(path.read_bytes())
    content[at : at + 20] = os.urandom(20)
    path.write_bytes(content)

    assert "package.damaged" in problems(path).values()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("roster/users.csv", "package.nested"),
        ("../users.csv", "package.unsafe_path"),
        ("/etc/users.csv", "package.unsafe_path"),
        ("..\\users.csv", "package.unsafe_path"),
        ("C:users.csv", "package.unsafe_path"),
    ],
)
def test_a_zip_that_names_other_places_is_refused(tmp_path, good, name, code):
    path = zipped(good, tmp_path / "in.zip", **{name: "x"})

    assert set(problems(path).values()) == {code}


def test_a_link_in_a_zip_is_refused(tmp_path, good):
    path = zipped(good, tmp_path / "in.zip")
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("results.csv")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")

    assert set(problems(path).values()) == {"package.link"}


def test_a_zip_bomb_is_refused_by_its_ratio_before_it_is_opened(tmp_path, good):
    path = zipped(good, tmp_path / "in.zip", **{"results.csv": b"0" * 20_000_000})

    assert set(problems(path).values()) == {"package.ratio"}


def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path, good, monkeypatch):
    monkeypatch.setattr(package, "MAX_BYTES", 1000)

    assert set(problems(zipped(good, tmp_path / "in.zip")).values()) == {"package.too_large"}


def test_a_zip_with_too_many_files_is_refused(tmp_path, good):
    path = zipped(good, tmp_path / "in.zip", **{f"x{n}.csv": "x" for n in range(100)})

    assert set(problems(path).values()) == {"package.too_many_entries"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_twice_in_a_zip_is_refused(tmp_path, good):
    path = zipped(good, tmp_path / "in.zip", **{"users.csv": "x"})

    assert "package.duplicate_file" in problems(path).values()


# The manifest


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("oneroster.version,1.2", "oneroster.version,1.0", "manifest.invalid_oneroster_version"),
        ("file.users,bulk", "file.users,whole", "manifest.invalid_file_mode"),
        ("file.users,bulk", "", "manifest.missing_property"),
        ("file.results,absent", "file.results,bulk", "manifest.file_missing"),
        ("propertyName,value", "property,value", "table.missing_header"),
        ("file.results,absent", "file.users,bulk", "manifest.duplicate_property"),
        ("file.results,absent", "file.results", "table.row_width_mismatch"),
    ],
)
def test_a_wrong_manifest_is_refused(good, old, new, code):
    replace(good, "manifest.csv", old, new)

    assert code in problems(good).values()


def test_files_that_are_not_read_are_named(good):
    (good / "results.csv").write_text("sourcedId\nx\n")
    (good / "notes.txt").write_text("hello")
    replace(good, "manifest.csv", "file.results,absent", "file.results,bulk")

    assert read(good)[1] == {"package.file_not_read", "package.unknown_file"}


# Tolerances: the same roster comes out, with a warning; the strict profile refuses most


def as_bytes(folder, file, change):
    path = folder / file
    path.write_bytes(change(path.read_bytes()))


TOLERANCES = [
    ("users.csv", "enabledUser", "EnabledUser", "schema.misspelt_header"),
    ("users.csv", "preferredGivenName", "prefferedGivenName", "schema.misspelt_header"),
    ("users.csv", "dateLastModified", "dataLastModified", "schema.misspelt_header"),
    ("classes.csv", "grades", "grade", "schema.misspelt_header"),
    ("classes.csv", "termSourcedIds", "termSourcedId", "schema.misspelt_header"),
    ("courses.csv", "schoolYearSourcedId", "schoolYearId", "schema.misspelt_header"),
    ("demographics.csv", "sourcedId", "userSourcedId", "schema.misspelt_header"),
    ("users.csv", "sms,phone", "phone,sms", "schema.header_order_mismatch"),
    ("users.csv", "pronouns", "houseColour", "schema.extra_column"),
    ("users.csv", ",true,", ",TRUE,", "row.tolerated_boolean_case"),
    ("users.csv", ",true,", ",1,", "row.tolerated_boolean_case"),
    ("classes.csv", "scheduled", "Scheduled", "row.tolerated_enum_case"),
    ("roles.csv", "2025-09-01", "2025-09-01T00:00:00Z", "row.tolerated_date_time"),
    ("enrollments.csv", ",student,", ", student,", "row.tolerated_spaces"),
    ("enrollments.csv", ",teacher,", ",aide,", "row.tolerated_enum_old"),
    ("classes.csv", '"y,t1"', '"y,,t1"', "row.tolerated_list"),
    ("orgs.csv", "s,,,Río", "s,active,,Río", "row.field_forbidden_in_bulk"),
    ("orgs.csv", ",Río,", ',"Rí\no",', "row.line_break"),
    ("courses.csv", "c,,,y", "c,,,t1", "semantic.not_a_school_year"),
    ("classes.csv", ",s,", ",d,", "semantic.not_a_school"),
    ("academicSessions.csv", "2026-01-01", "2026-10-01", "semantic.outside_parent"),
]


@pytest.mark.parametrize(("file", "old", "new", "code"), TOLERANCES)
def test_what_is_clear_in_meaning_is_tolerated_and_named(good, file, old, new, code):
    replace(good, file, old, new)

    roster, codes = read(good)

    assert code in codes
    assert len(roster.tables["users"].rows) == 4
    assert roster.tables["classes"].rows[0]["classType"] == "scheduled"
    assert code in problems(good, "strict").values()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda content: b"\xef\xbb\xbf" + content, "file.bom"),
        (lambda content: content.replace(b"\n", b"\r\n"), "file.crlf"),
        (lambda content: content + b"\n", "table.blank_row"),
    ],
)
@pytest.mark.parametrize("profile", ["strict", "tolerant"])
def test_ways_of_writing_a_file_are_tolerated_and_named(good, change, code, profile):
    as_bytes(good, "users.csv", change)

    roster, codes = read(good, profile)

    assert codes == {code}
    assert roster.tables["users"].rows[0]["givenName"] == "Ana"


def test_a_tolerance_in_many_rows_is_one_warning(tmp_path):
    many = [person(f"p{n}", f"P{n}", "X", enabledUser="TRUE") for n in range(50)]
    package = make_package(tmp_path / "in", users=[*USERS, *many])
    diagnostics = Diagnostics()

    read_roster(package, held=Held(), diagnostics=diagnostics, advance=lambda number: None)

    (warning,) = diagnostics.problems
    assert (warning.row, warning.column) == (6, "enabledUser")
    assert "in 50 rows" in warning.message


def test_inactive_in_a_delta_means_to_be_deleted(tmp_path):
    status = {"status": "inactive", "dateLastModified": "2026-01-02T03:04:05Z"}
    path = make_package(
        tmp_path / "in",
        modes={"demographics": "delta"},
        demographics=[{**DEMOGRAPHICS[0], **status}],
    )

    roster, codes = read(path)

    assert codes == {"row.tolerated_enum_old"}
    assert roster.tables["demographics"].rows[0].is_leaving


# Errors in rows


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"users": [*USERS, USERS[0]]}, ("users.csv", 6, "sourcedId", "duplicate_sourced_id")),
        (
            {"users": [{**USERS[0], "username": "BEN.NG"}, *USERS[1:]]},
            ("users.csv", 3, "username", "duplicate_username"),
        ),
        (
            {"users": [USERS[0], {**USERS[1], "identifier": "1001"}, *USERS[2:]]},
            ("users.csv", 3, "identifier", "duplicate_student_number"),
        ),
        (
            {"users": [{**USERS[0], "givenName": " "}, *USERS[1:]]},
            ("users.csv", 2, "givenName", "missing_required_value"),
        ),
        (
            {"users": [{**USERS[0], "enabledUser": "perhaps"}, *USERS[1:]]},
            ("users.csv", 2, "enabledUser", "invalid_boolean"),
        ),
        (
            {"users": [{**USERS[0], "familyName": "x" * 151}, *USERS[1:]]},
            ("users.csv", 2, "familyName", "invalid_length"),
        ),
        (
            {"roles": [{**ROLES[0], "role": "wizard"}, *ROLES[1:]]},
            ("roles.csv", 2, "role", "invalid_enum"),
        ),
        (
            {"roles": [{**ROLES[0], "beginDate": "01/09/2025"}, *ROLES[1:]]},
            ("roles.csv", 2, "beginDate", "invalid_date"),
        ),
        (
            {"roles": [{**ROLES[0], "beginDate": "2025-02-30"}, *ROLES[1:]]},
            ("roles.csv", 2, "beginDate", "invalid_date"),
        ),
        (
            {"academicSessions": [{**SESSIONS[0], "schoolYear": "25/26"}, SESSIONS[1]]},
            ("academicSessions.csv", 2, "schoolYear", "invalid_integer"),
        ),
    ],
)
def test_a_broken_row_is_named_by_file_row_and_column(tmp_path, files, expected):
    file, row, column, code = expected

    found = problems(make_package(tmp_path / "in", **files))

    assert found == {(file, row, column): f"row.{code}"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"courses": [{**COURSES[0], "orgSourcedId": "x"}]}, ("courses.csv", 2, "orgSourcedId")),
        (
            {"classes": [{**CLASSES[0], "termSourcedIds": "y,x"}]},
            ("classes.csv", 2, "termSourcedIds"),
        ),
        ({"roles": [*ROLES, role("r9", "x", "aide")]}, ("roles.csv", 6, "userSourcedId")),
        (
            {"enrollments": [*ENROLLMENTS, enrollment("e9", "x", "student")]},
            ("enrollments.csv", 5, "userSourcedId"),
        ),
        ({"demographics": [{"sourcedId": "x"}]}, ("demographics.csv", 2, "sourcedId")),
        (
            {"users": [{**USERS[0], "agentSourcedIds": "x"}, *USERS[1:]]},
            ("users.csv", 2, "agentSourcedIds"),
        ),
        (
            {"orgs": [ORGS[0], {**ORGS[1], "parentSourcedId": "x"}]},
            ("orgs.csv", 3, "parentSourcedId"),
        ),
    ],
)
def test_a_reference_to_nothing_is_refused(tmp_path, files, expected):
    found = problems(make_package(tmp_path / "in", **files))

    assert found == {expected: "reference.missing_record"}


def test_a_complete_file_that_refers_to_a_file_left_out_is_refused(tmp_path):
    found = problems(make_package(tmp_path / "in", without=("courses",)))

    assert found == {("classes.csv", 2, "courseSourcedId"): "reference.missing_file"}


def test_a_cycle_of_organisations_is_refused_with_its_members(tmp_path):
    orgs = [
        {**ORGS[0], "parentSourcedId": "s"},
        {**ORGS[1], "parentSourcedId": "d"},
        {**ORGS[1], "sourcedId": "below", "parentSourcedId": "s"},
    ]
    path = make_package(tmp_path / "in", orgs=orgs)

    assert problems(path) == {("orgs.csv", 2, "parentSourcedId"): "reference.cycle"}
    assert "d → s → d" in message(path)


def test_a_session_that_is_its_own_parent_is_refused(tmp_path):
    path = make_package(
        tmp_path / "in", academicSessions=[SESSIONS[0], {**SESSIONS[1], "parentSourcedId": "t1"}]
    )

    assert problems(path) == {("academicSessions.csv", 3, "parentSourcedId"): "reference.cycle"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"academicSessions": [SESSIONS[0], {**SESSIONS[1], "endDate": "2025-09-01"}]},
            ("academicSessions.csv", 3, "endDate"),
        ),
        (
            {"roles": [{**ROLES[0], "endDate": "2025-08-31"}, *ROLES[1:]]},
            ("roles.csv", 2, "endDate"),
        ),
        (
            {"enrollments": [*ENROLLMENTS[:1], {**ENROLLMENTS[1], "endDate": "2025-09-07"}]},
            ("enrollments.csv", 3, "endDate"),
        ),
    ],
)
def test_what_ends_before_it_starts_is_refused(tmp_path, files, expected):
    found = problems(make_package(tmp_path / "in", **files))

    assert found == {expected: "semantic.ends_before_start"}


def test_several_primary_teachers_of_a_class_are_named(tmp_path):
    rows = [*ENROLLMENTS, enrollment("e9", "eva", "teacher", primary="true")]

    assert read(make_package(tmp_path / "in", enrollments=rows))[1] == {
        "semantic.several_primary_teachers"
    }


def test_duplicates_are_refused_with_both_names_and_rows(tmp_path):
    users = [*USERS, person("ana", "Luis", "Pla")]

    text = message(make_package(tmp_path / "in", users=users))

    assert "Ana Díaz (row 2) and Luis Pla (row 6)" in text


def test_every_problem_is_named_at_once(good):
    replace(good, "users.csv", ",true,", ",perhaps,")
    replace(good, "roles.csv", ",teacher,", ",wizard,")
    replace(good, "enrollments.csv", "e-ana,,,k", "e-ana,,,missing")
    with (good / "courses.csv").open("a") as out:
        out.write("c2,,,y\n")

    found = problems(good)

    assert set(found) >= {
        ("users.csv", 2, "enabledUser"),
        ("users.csv", 5, "enabledUser"),
        ("roles.csv", 5, "role"),
        ("courses.csv", 3, ""),
        ("enrollments.csv", 2, "classSourcedId"),
    }


def test_a_header_without_a_needed_column_is_refused(good):
    replace(good, "users.csv", "givenName", "firstName")

    assert problems(good) == {("users.csv", 1, "givenName"): "schema.missing_header"}


def test_a_delta_needs_status_and_date_in_the_strict_profile(tmp_path):
    path = make_package(tmp_path / "in", modes={"demographics": "delta"})

    assert read(path)[1] == {"row.field_required_in_delta"}
    assert problems(path, "strict") == {
        ("demographics.csv", 2, "status"): "row.field_required_in_delta",
        ("demographics.csv", 2, "dateLastModified"): "row.field_required_in_delta",
    }


def test_only_a_manifest_means_no_news(tmp_path):
    (tmp_path / "in").mkdir()
    write_manifest(tmp_path / "in", "1.2", {})

    roster, codes = read(tmp_path / "in")

    assert (roster.tables, codes) == ({}, set())


def test_no_text_is_longer_than_its_column_in_the_database():
    held = {
        ("users", "username"): people.User._meta.get_field("username"),
        ("users", "givenName"): people.User._meta.get_field("given_name"),
        ("users", "familyName"): people.User._meta.get_field("family_name"),
        ("users", "email"): people.User._meta.get_field("email"),
        ("users", "identifier"): people.User._meta.get_field("identifier"),
        ("users", "sourcedId"): people.User._meta.get_field("sourced_id"),
    }

    for (file, name), field in held.items():
        (column,) = [c for c in columns.TABLES["1.2"][file] if c.name == name]
        assert column.limit <= field.max_length, name
    assert Student._meta.get_field("number").max_length == 100


def test_problems_are_printed_one_a_line_with_their_place():
    out = io.StringIO()
    from students.problems import Problem, report

    report(
        [Problem("users.csv", 3, "role", "x", "Wrong."), Problem("a", None, "", "y", "Gone.")], out
    )

    assert out.getvalue() == "users.csv:3 [role] Wrong.\na Gone.\n"
