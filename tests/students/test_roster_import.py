"""What a roster makes of the district, and that it makes it once."""

import io
from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from students.models import (
    District,
    Enrollment,
    Guardianship,
    HistoryEntry,
    Job,
    School,
    SchoolEnrollment,
    SchoolRole,
    Section,
    Student,
    StudentAttributes,
    TeachingAssignment,
    Term,
    User,
)
from tests.students import rosters
from tests.students.rosters import ENROLLMENTS, ROLES, USERS, enrollment, make_package, person, role

pytestmark = pytest.mark.django_db

TABLES = (
    "students_school",
    "students_term",
    "students_course",
    "students_section",
    "students_section_terms",
    "students_user",
    "students_student",
    "students_studentattributes",
    "students_schoolenrollment",
    "students_schoolrole",
    "students_enrollment",
    "students_teachingassignment",
    "students_guardianship",
)


@pytest.fixture
def district(db):
    return District.objects.create(code="norte", name="Norte", time_zone="Europe/Madrid")


def load(path, *options):
    out = io.StringIO()
    call_command("import_roster", str(path), "--district", "norte", *options, stdout=out)
    return out.getvalue()


def refused(path, *options):
    out = io.StringIO()
    with pytest.raises(CommandError) as error:
        call_command("import_roster", str(path), "--district", "norte", *options, stdout=out)
    return out.getvalue() + str(error.value)


def versions():
    """Return the physical version of every roster row: it changes when a row is rewritten."""
    with connection.cursor() as cursor:
        found = {}
        for table in TABLES:
            cursor.execute(f"SELECT array_agg(ctid::text || xmin ORDER BY ctid) FROM {table}")
            found[table] = cursor.fetchone()[0]
        return found


def test_a_roster_makes_the_school_its_classes_and_its_people(tmp_path, district):
    text = load(make_package(tmp_path / "in"))

    school = School.objects.get(sourced_id="s")
    section = Section.objects.get(sourced_id="k")
    ana = Student.objects.get(number="1001")
    assert (school.name, school.time_zone, school.parent.sourced_id) == (
        "Río",
        "Europe/Madrid",
        "d",
    )
    assert [term.sourced_id for term in section.terms.order_by("pk")] == ["y", "t1"]
    assert Term.objects.get(sourced_id="t1").ends_on == date(2026, 1, 1)
    assert (ana.user.sign_in_name, ana.user.name) == ("ana.díaz@norte", "Ana Díaz")
    assert (ana.user.sort_key, ana.user.has_usable_password()) == ("diaz\x1fana", False)
    assert SchoolEnrollment.objects.get(student=ana).grade == "07"
    assert Enrollment.objects.get(student__number="1002").ends_on == date(2026, 6, 20)
    assert TeachingAssignment.objects.get().role == "lead"
    assert StudentAttributes.objects.get(student=ana).attributes == {"sex": "female", "asian": True}
    assert "created" in text


def test_guardians_are_told_by_either_side(tmp_path, district):
    load(make_package(tmp_path / "in"))

    links = Guardianship.objects.values_list("user__sourced_id", "student__number", "relation")
    assert sorted(links) == [("eva", "1001", "parent"), ("eva", "1002", "parent")]


def test_a_brother_or_a_teacher_who_is_named_is_no_guardian(tmp_path, district):
    users = [
        {**USERS[0], "agentSourcedIds": "ben,rosa"},
        USERS[1],
        person("eva", "E", "D"),
        USERS[3],
    ]

    load(make_package(tmp_path / "in", users=users))

    assert not Guardianship.objects.exists()


def test_the_same_roster_again_rewrites_no_row(tmp_path, district):
    package = make_package(tmp_path / "in")
    load(package)
    before = versions()

    load(package)

    assert versions() == before
    rows = Job.objects.order_by("-pk")[0].result["rows"]
    assert sum(rows["created"].values()) == sum(rows["changed"].values()) == 0
    assert rows["unchanged"]["users"] == 4


def test_a_run_leaves_a_job_and_a_line_of_history_without_names(tmp_path, district):
    load(make_package(tmp_path / "in"))

    job = Job.objects.get(kind="import_roster", state="done")
    entry = HistoryEntry.objects.get(action="import_roster")
    assert (entry.object_type, entry.object_id) == ("job", job.pk)
    assert "Ana" not in str(job.result)
    assert job.result["rows"]["created"]["users"] == 4


def test_a_trial_changes_nothing_and_tells_what_it_would_do(tmp_path, district):
    text = load(make_package(tmp_path / "in"), "--dry-run")

    assert not User.objects.exists()
    assert not Job.objects.exists()
    assert "users" in text
    assert "Nothing was changed" in text


def test_a_new_district_is_made_only_on_request(tmp_path):
    package = make_package(tmp_path / "in")

    assert "--create-district" in refused(package)
    load(package, "--create-district", "Norte", "--time-zone", "Atlantic/Canary")

    assert School.objects.get(sourced_id="s").time_zone == "Atlantic/Canary"


def test_an_unknown_time_zone_is_refused(tmp_path):
    package = make_package(tmp_path / "in")

    text = refused(package, "--create-district", "Norte", "--time-zone", "Madrid")

    assert "Europe/Madrid" in text
    assert not District.objects.exists()


def test_version_1_1_gives_the_same_people_and_places(tmp_path, district):
    load(make_package(tmp_path / "in", version="1.1"))

    assert SchoolEnrollment.objects.count() == 2
    assert sorted(SchoolRole.objects.values_list("role", flat=True)) == ["parent", "teacher"]
    assert Guardianship.objects.count() == 2
    before = versions()
    load(tmp_path / "in")
    assert versions() == before


def test_people_who_are_absent_are_deactivated_and_come_back(tmp_path, district):
    load(make_package(tmp_path / "in"))
    fewer = make_package(
        tmp_path / "fewer",
        users=[{**USERS[0], "agentSourcedIds": ""}, {**USERS[1]}, USERS[3]],
        roles=[ROLES[0], ROLES[1], ROLES[3]],
    )

    load(fewer)

    eva = User.objects.get(sourced_id="eva")
    assert eva.deactivated_at is not None
    assert SchoolRole.objects.get(user=eva).deactivated_at is not None
    assert not Guardianship.objects.filter(deactivated_at=None).exists()

    load(tmp_path / "in")

    eva.refresh_from_db()
    assert eva.deactivated_at is None
    assert Guardianship.objects.filter(deactivated_at=None).count() == 2
    assert Guardianship.objects.count() == 2


def test_a_feed_never_makes_administrators(tmp_path, district):
    roles = [
        *ROLES[:3],
        role("r-rosa", "rosa", "siteAdministrator"),
        role("r2", "rosa", "systemAdministrator", roleType="secondary"),
    ]

    load(make_package(tmp_path / "in", roles=roles))

    held = SchoolRole.objects.filter(user__sourced_id="rosa").values_list("role", "granted_by")
    assert sorted(held) == [("siteAdministrator", None), ("systemAdministrator", None)]
    assert not SchoolRole.objects.filter(
        role__in=("administrator", "district_administrator", "registrar")
    ).exists()


def test_what_a_person_granted_ends_when_the_feed_changes_the_role(tmp_path, district):
    load(make_package(tmp_path / "in"))
    SchoolRole.objects.filter(sourced_id="r-rosa").update(
        granted_by=User.objects.get(sourced_id="eva")
    )

    load(tmp_path / "in")
    assert SchoolRole.objects.get(sourced_id="r-rosa").granted_by is not None

    changed = [*ROLES[:3], role("r-rosa", "rosa", "siteAdministrator")]
    load(make_package(tmp_path / "changed", roles=changed))
    assert SchoolRole.objects.get(sourced_id="r-rosa").granted_by is None


def test_passwords_are_never_kept(tmp_path, district):
    users = [{**USERS[0], "password": "s3cret-word"}, *USERS[1:]]

    text = load(make_package(tmp_path / "in", users=users))

    ana = User.objects.get(sourced_id="ana")
    assert "s3cret-word" not in str(ana.roster) + ana.password + text
    assert "users.csv:2 [password] warning:" in text


def test_who_was_shut_out_here_stays_out(tmp_path, district):
    load(make_package(tmp_path / "in"))
    User.objects.filter(sourced_id="rosa").update(is_active=False)

    load(tmp_path / "in")

    assert not User.objects.get(sourced_id="rosa").is_active


def test_roles_in_a_class_follow_the_words_of_the_feed(tmp_path, district):
    users = [*USERS, *(person(f"p{n}", f"P{n}", "Alt") for n in range(5))]
    roles = [*ROLES, *(role(f"r-p{n}", f"p{n}", "teacher") for n in range(5))]
    words = ("teacher", "ext:aide", "proctor", "administrator", "ext:volunteer")
    rows = [enrollment(f"e-p{n}", f"p{n}", word) for n, word in enumerate(words)]

    load(make_package(tmp_path / "in", users=users, roles=roles, enrollments=[*ENROLLMENTS, *rows]))

    found = dict(TeachingAssignment.objects.values_list("user__sourced_id", "role"))
    assert found == {
        "rosa": "lead",
        "p0": "co_teacher",
        "p1": "aide",
        "p2": "proctor",
        "p3": "administrator",
        "p4": "proctor",
    }


def test_usernames_may_change_hands(tmp_path, district):
    load(make_package(tmp_path / "in"))
    users = [
        {**USERS[0], "username": USERS[1]["username"]},
        {**USERS[1], "username": USERS[0]["username"]},
        *USERS[2:],
    ]

    load(make_package(tmp_path / "swapped", users=users))

    assert User.objects.get(sourced_id="ana").sign_in_name == "ben.ng@norte"
    assert User.objects.get(sourced_id="ben").sign_in_name == "ana.díaz@norte"


def test_student_numbers_may_change_hands(tmp_path, district):
    load(make_package(tmp_path / "in"))
    users = [
        {**USERS[0], "identifier": "1002"},
        {**USERS[1], "identifier": "1001"},
        *USERS[2:],
    ]

    load(make_package(tmp_path / "swapped", users=users))

    assert Student.objects.get(user__sourced_id="ana").number == "1002"


def test_a_username_of_somebody_who_left_can_be_given_again(tmp_path, district):
    load(make_package(tmp_path / "in"))
    users = [*USERS[:3], {**USERS[3], "sourcedId": "rosa2"}]
    roles = [*ROLES[:3], role("r-rosa2", "rosa2", "teacher")]
    rows = [*ENROLLMENTS[:2], enrollment("e-rosa2", "rosa2", "teacher")]

    load(make_package(tmp_path / "new", users=users, roles=roles, enrollments=rows))

    assert User.objects.get(sourced_id="rosa2").sign_in_name == "rosa.gil@norte"
    assert User.objects.get(sourced_id="rosa").sign_in_name != "rosa.gil@norte"


def test_a_username_that_somebody_here_holds_is_refused_with_both_names(tmp_path, district):
    User.objects.create_user(
        "ana.díaz@norte", district=district, given_name="Anastasia", family_name="Dietz"
    )

    text = refused(make_package(tmp_path / "in"))

    assert "users.csv:2 [username]" in text
    assert "Ana Díaz" in text
    assert "Anastasia Dietz" in text
    assert User.objects.count() == 1


def test_a_number_that_another_student_holds_is_refused_with_both_names(tmp_path, district):
    user = User.objects.create_user("x", district=district, given_name="Ada", family_name="Eck")
    Student.objects.create(district=district, user=user, number="1002")

    text = refused(make_package(tmp_path / "in"))

    assert "users.csv:3 [identifier]" in text
    assert "Ben Ng" in text
    assert "Ada Eck" in text


def test_an_identifier_given_to_another_person_is_refused(tmp_path, district):
    load(make_package(tmp_path / "in"))
    other = person("ana", "Otto", "Falk", identifier="9")

    text = refused(make_package(tmp_path / "again", users=[other, *USERS[1:]]))

    assert "Ana Díaz" in text
    assert "Otto Falk" in text


def test_a_delta_changes_only_what_it_lists(tmp_path, district):
    load(make_package(tmp_path / "in"))
    status = {"status": "active", "dateLastModified": "2026-01-02T03:04:05.000Z"}
    delta = make_package(
        tmp_path / "delta",
        without=("orgs", "academicSessions", "courses", "classes", "roles", "demographics"),
        modes={"users": "delta", "enrollments": "delta"},
        users=[{**USERS[0], **status, "grades": "08"}],
        enrollments=[{**ENROLLMENTS[1], **status, "status": "tobedeleted"}],
    )

    load(delta, "--confirm-departures")

    assert User.objects.filter(deactivated_at=None).count() == 4
    assert SchoolEnrollment.objects.get(student__number="1001").grade == "08"
    assert Enrollment.objects.get(sourced_id="e-ben").deactivated_at is not None
    assert Enrollment.objects.get(sourced_id="e-ana").deactivated_at is None
    before = versions()
    load(delta)
    assert versions() == before


def test_a_delta_may_not_refer_to_somebody_who_has_left(tmp_path, district):
    load(make_package(tmp_path / "in"))
    User.objects.filter(sourced_id="ben").update(deactivated_at="2026-01-01T00:00Z")
    status = {"status": "active", "dateLastModified": "2026-01-02T03:04:05.000Z"}

    text = refused(
        make_package(
            tmp_path / "delta",
            without=tuple(file for file in rosters.FILES_1_2 if file != "enrollments"),
            modes={"enrollments": "delta"},
            enrollments=[{**row, **status} for row in ENROLLMENTS],
        )
    )

    assert "enrollments.csv:3 [userSourcedId] ben is not in users.csv or what is held." in text
    assert "ana" not in text


def test_an_enrolment_that_becomes_a_teachers_leaves_no_student_behind(tmp_path, district):
    load(make_package(tmp_path / "in"))
    rows = [*ENROLLMENTS[:1], {**ENROLLMENTS[1], "role": "ext:aide"}, ENROLLMENTS[2]]

    load(make_package(tmp_path / "again", enrollments=rows), "--confirm-departures")

    assert Enrollment.objects.get(sourced_id="e-ben").deactivated_at is not None
    assert TeachingAssignment.objects.get(sourced_id="e-ben").role == "aide"


def test_a_merged_duplicate_is_enrolled_as_the_one_that_was_kept(tmp_path, district):
    load(make_package(tmp_path / "in"))
    kept = Student.objects.get(number="1001")
    Student.objects.filter(number="1002").update(merged_into=kept, number="")

    load(tmp_path / "in")

    assert Enrollment.objects.get(sourced_id="e-ben").student == kept
    before = versions()
    load(tmp_path / "in")
    assert versions() == before
