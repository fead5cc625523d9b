"""Out and in again: nothing is lost, and equal rosters are equal bytes."""

import io
import stat

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from students.models import District, Enrollment, TeachingAssignment, User
from tests.students.rosters import (
    CLASSES,
    DEMOGRAPHICS,
    ENROLLMENTS,
    FILES_1_2,
    ORGS,
    ROLES,
    SESSIONS,
    USERS,
    contents,
    enrollment,
    make_package,
    person,
    role,
)
from tests.students.test_roster_departures import school_of
from tests.students.test_roster_import import versions

pytestmark = pytest.mark.django_db

ROUND_TRIP_EXAMPLES = 25


@pytest.fixture
def district(db):
    return District.objects.create(code="norte", name="Norte")


def load(path, district="norte", *options):
    call_command("import_roster", str(path), "--district", district, *options, stdout=io.StringIO())


def export(path, district="norte", version="1.2"):
    err = io.StringIO()
    call_command(
        "export_roster",
        str(path),
        "--district",
        district,
        "--oneroster-version",
        version,
        stdout=io.StringIO(),
        stderr=err,
    )
    return err.getvalue()


# As an export orders them.
SORTED = {"academicSessions": SESSIONS[::-1]}
# Everything that a file can say and no column of ours holds.
RICH = {
    **SORTED,
    "orgs": [{**ORGS[0], "metadata.ministry": "7"}, ORGS[1]],
    "classes": [{**CLASSES[0], "termSourcedIds": "t1,y", "periods": "1,3", "subjectCodes": "11"}],
    "users": [
        person(
            "ana",
            "Ana",
            '=HYPERLINK("x")',
            identifier="1001",
            userIds="{LDAP:12},{LTI:15}",
            grades="07",
            agentSourcedIds="zoe,eva",
            preferredGivenName="Annie",
            primaryOrgSourcedId="s",
            pronouns="she",
            **{"metadata.house": "red, blue"},
        ),
        person("ben", "Ben", 'O"Neill, Jr', identifier="1002", enabledUser="false"),
        person("eva", "Eva", "Díaz", sms="+34 1", phone="+34 2"),
        person("rosa", "Rosa", "Gil", middleName="del Mar", userMasterIdentifier="m1"),
        person("zoe", "Zoe", " Álvarez ", email="not an address"),
    ],
    "roles": [
        *ROLES,
        role("r-sec", "rosa", "counselor", roleType="secondary", orgSourcedId="d"),
        role("r-zoe", "zoe", "ext:stepmother", userProfileSourcedId="profile"),
    ],
    "enrollments": [
        *ENROLLMENTS[:2],
        enrollment("e-eva", "eva", "ext:volunteer"),
        ENROLLMENTS[2],
        enrollment("e-x", "rosa", "administrator", schoolSourcedId="s2"),
        enrollment("e-y", "rosa", "ext:aide", primary="false"),
    ],
    "demographics": [
        {**DEMOGRAPHICS[0], "white": "false", "cityOfBirth": "Lugo", "metadata.bus": "12"},
        {"sourcedId": "ben", "sex": "ext:none"},
    ],
}
RICH["orgs"].append({"sourcedId": "s2", "name": "Sur", "type": "school", "parentSourcedId": "d"})


@pytest.mark.parametrize("files", [SORTED, RICH])
def test_what_came_in_goes_out_byte_for_byte(tmp_path, district, files):
    package = make_package(tmp_path / "in", **files)
    load(package)

    export(tmp_path / "out")

    assert contents(tmp_path / "out") == contents(package)


def test_version_1_1_goes_out_as_it_came(tmp_path, district):
    users = [
        {**USERS[0], "role": "student", "orgSourcedIds": "s"},
        {**USERS[1], "role": "student", "orgSourcedIds": "s,d"},
        {**USERS[2], "role": "parent", "orgSourcedIds": "s"},
        {**USERS[3], "role": "administrator", "orgSourcedIds": "d,s"},
    ]
    for user in users:
        user.pop("pronouns", None)
    package = make_package(tmp_path / "in", version="1.1", users=users, **SORTED)
    load(package)

    export(tmp_path / "out", version="1.1")

    assert contents(tmp_path / "out") == contents(package)


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_an_export_makes_the_same_roster_in_an_empty_district(tmp_path, district, version):
    load(make_package(tmp_path / "in", version=version))
    export(tmp_path / "first.zip", version=version)
    # The code is part of what people sign in by; nothing else of the first district is needed.
    District.objects.filter(code="norte").update(code="old")
    for user in User.objects.all():
        User.objects.filter(pk=user.pk).update(sign_in_name=f"{user.pk}@old")
    load(tmp_path / "first.zip", "norte", "--create-district", "Norte")

    export(tmp_path / "second.zip", version=version)

    assert (tmp_path / "second.zip").read_bytes() == (tmp_path / "first.zip").read_bytes()


@pytest.mark.parametrize("files", [SORTED, RICH])
def test_an_export_over_its_own_district_rewrites_no_row(tmp_path, district, files):
    load(make_package(tmp_path / "in", **files))
    export(tmp_path / "out")
    before = versions()

    load(tmp_path / "out")

    assert versions() == before


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp")),
    min_size=1,
    max_size=20,
).filter(lambda text: text.strip())


@settings(
    max_examples=ROUND_TRIP_EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(given_name=WORDS, family_name=WORDS, note=WORDS, username=WORDS)
def test_any_text_survives(tmp_path_factory, db, given_name, family_name, note, username):
    place = tmp_path_factory.mktemp("texts")
    District.objects.create(code=place.name, name="X")
    ana = {
        **USERS[0],
        "givenName": given_name,
        "familyName": family_name,
        "username": username,
        "metadata.note": note,
    }
    package = make_package(place / "in", users=[ana, *USERS[1:]])
    load(package, place.name)

    export(place / "out", place.name)

    assert contents(place / "out")["users.csv"] == contents(package)["users.csv"]


def test_who_has_left_is_not_exported_nor_referred_to(tmp_path, district):
    load(make_package(tmp_path / "in"))
    fewer = [row for row in USERS if row["sourcedId"] != "eva"]
    fewer = [{**row, "agentSourcedIds": ""} for row in fewer]
    load(
        make_package(
            tmp_path / "fewer", users=fewer, roles=[r for r in ROLES if "eva" not in r["sourcedId"]]
        )
    )

    export(tmp_path / "out")

    assert all(b"eva" not in content for content in contents(tmp_path / "out").values())
    load(tmp_path / "out")


def test_who_was_deleted_by_a_delta_is_named_nowhere(tmp_path, district):
    load(make_package(tmp_path / "in"))
    status = {"status": "tobedeleted", "dateLastModified": "2026-01-02T03:04:05.000Z"}
    delta = make_package(
        tmp_path / "delta",
        without=tuple(file for file in FILES_1_2 if file != "users"),
        modes={"users": "delta"},
        users=[{**USERS[2], **status}],
    )
    load(delta)

    export(tmp_path / "out")

    assert all(b"eva" not in content for content in contents(tmp_path / "out").values())
    load(tmp_path / "out")


def test_a_change_made_here_is_exported(tmp_path, district):
    load(make_package(tmp_path / "in"))
    TeachingAssignment.objects.update(role="co_teacher")
    User.objects.filter(sourced_id="rosa").update(family_name="Gil Mora", is_active=False)

    export(tmp_path / "out")

    found = contents(tmp_path / "out")
    assert b"rosa,,,false," in found["users.csv"]
    assert b"Gil Mora" in found["users.csv"]
    assert b"teacher,false" in found["enrollments.csv"]


def test_what_was_made_here_is_left_out_and_counted(tmp_path, district):
    load(make_package(tmp_path / "in"))
    User.objects.create_user("local", district=district, given_name="Lo", family_name="Cal")

    assert "1 users made here" in export(tmp_path / "out")
    assert b"Cal" not in contents(tmp_path / "out")["users.csv"]


def test_an_export_is_for_its_owner_only_and_replaces_nothing(tmp_path, district):
    load(make_package(tmp_path / "in"))
    export(tmp_path / "out.zip")
    before = (tmp_path / "out.zip").read_bytes()

    with pytest.raises(CommandError, match="is there already"):
        export(tmp_path / "out.zip")
    with pytest.raises(CommandError, match="no district"):
        export(tmp_path / "other.zip", "sur")

    assert stat.S_IMODE((tmp_path / "out.zip").stat().st_mode) == 0o600
    assert (tmp_path / "out.zip").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out.zip"]


def queries_of(work):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        work()
    return len(queries)


def test_it_costs_the_same_queries_for_few_and_for_many(tmp_path):
    counts = {}
    for size in (3, 300):
        code = f"d{size}"
        District.objects.create(code=code, name=code)
        package = make_package(tmp_path / f"in-{size}", **school_of(size))
        counts[size] = (
            queries_of(lambda code=code, package=package: load(package, code)),
            queries_of(lambda code=code, package=package: load(package, code)),
            queries_of(lambda code=code, size=size: export(tmp_path / f"out-{size}", code)),
        )

    assert counts[3] == counts[300]
    assert Enrollment.objects.count() == 303
