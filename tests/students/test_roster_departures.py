"""A bad feed does not empty a school: what would be lost is counted first, by school."""

import io

import pytest
from django.core.management import CommandError, call_command

from students.models import District, Enrollment, HistoryEntry, Job, SchoolEnrollment, Section, User
from tests.students.rosters import CLASSES, ORGS, enrollment, make_package, person, role
from tests.students.test_roster_import import versions

pytestmark = pytest.mark.django_db


@pytest.fixture
def district(db):
    return District.objects.create(code="norte", name="Norte")


def school_of(count, *, first=0, org="s", at_class="k"):
    """Return users, roles and enrolments of so many students."""
    keys = [f"p{n:04}" for n in range(first, first + count)]
    users = [person(key, f"G{key}", f"F{key}", identifier=key) for key in keys]
    roles = [role(f"r-{key}", key, "student", orgSourcedId=org) for key in keys]
    places = [enrollment(f"e-{key}", key, "student", classSourcedId=at_class) for key in keys]
    return {
        "users": users,
        "roles": roles,
        "enrollments": places,
        "demographics": [{"sourcedId": keys[0]}],
    }


def load(path, *options):
    out = io.StringIO()
    call_command("import_roster", str(path), "--district", "norte", *options, stdout=out)
    return out.getvalue()


def held(path, *options):
    out = io.StringIO()
    with pytest.raises(CommandError) as error:
        call_command("import_roster", str(path), "--district", "norte", *options, stdout=out)
    assert error.value.returncode == 3
    assert "--confirm-departures" in str(error.value)
    return out.getvalue()


@pytest.mark.parametrize(
    ("students", "leaving", "is_held"),
    [
        (100, 5, False),  # exactly 5 %
        (100, 6, True),
        (19, 1, True),
        (20, 1, False),
        (600, 25, False),  # exactly 25
        (600, 26, True),
    ],
)
def test_more_than_5_percent_or_25_students_is_held(tmp_path, district, students, leaving, is_held):
    load(make_package(tmp_path / "in", **school_of(students)))
    fewer = make_package(tmp_path / "fewer", **school_of(students - leaving))

    if is_held:
        held(fewer)
    else:
        load(fewer)

    active = User.objects.filter(deactivated_at=None).count()
    assert active == (students if is_held else students - leaving)


def test_what_is_held_writes_a_job_with_counts_and_nothing_else(tmp_path, district):
    load(make_package(tmp_path / "in", **school_of(40)))
    before = versions()
    history = HistoryEntry.objects.count()

    text = held(make_package(tmp_path / "half", **school_of(20)))

    job = Job.objects.get(state="held")
    assert versions() == before
    assert HistoryEntry.objects.count() == history
    assert job.kind == "import_roster"
    assert job.result["departures"] == [
        {"school": "s", "students": 40, "leaving": 20, "leaving_classes": 0}
    ]
    assert "Gp00" not in str(job.result)
    assert "School s: of 40 students 20 leave" in text


def test_a_confirmed_departure_is_carried_out(tmp_path, district):
    load(make_package(tmp_path / "in", **school_of(40)))

    load(make_package(tmp_path / "half", **school_of(20)), "--confirm-departures")

    assert User.objects.filter(deactivated_at=None).count() == 20
    assert User.objects.count() == 40


def test_a_trial_says_that_it_would_be_held_and_leaves_no_job(tmp_path, district):
    load(make_package(tmp_path / "in", **school_of(40)))

    held(make_package(tmp_path / "half", **school_of(20)), "--dry-run")

    assert not Job.objects.filter(state="held").exists()


def test_a_feed_that_forgets_the_classes_is_held_too(tmp_path, district):
    load(make_package(tmp_path / "in", **school_of(40)))
    half = school_of(40)
    half["enrollments"] = half["enrollments"][:20]

    text = held(make_package(tmp_path / "half", **half))

    assert "0 leave and 20 more leave all classes" in text
    assert Enrollment.objects.filter(deactivated_at=None).count() == 40


def test_a_feed_that_forgets_a_school_is_held(tmp_path, district):
    other = {**ORGS[1], "sourcedId": "s2", "name": "Mar"}
    second_class = {**CLASSES[0], "sourcedId": "k2", "schoolSourcedId": "s2"}
    first, second = school_of(30), school_of(30, first=500, org="s2", at_class="k2")
    both = {file: first[file] + second[file] for file in first}
    load(
        make_package(tmp_path / "in", orgs=[*ORGS, other], classes=[*CLASSES, second_class], **both)
    )

    text = held(make_package(tmp_path / "one", **first))

    assert "School s2: of 30 students 30 leave" in text
    assert "School s:" not in text


def test_a_feed_that_ends_every_enrolment_is_held(tmp_path, district):
    load(make_package(tmp_path / "in", **school_of(40)))
    ended = school_of(40)
    ended["roles"] = [{**row, "endDate": "2020-01-01"} for row in ended["roles"]]

    held(make_package(tmp_path / "ended", **ended))

    assert not SchoolEnrollment.objects.filter(ends_on__isnull=False).exists()


def test_classes_of_a_course_that_left_go_with_it_even_when_their_file_is_left_out(
    tmp_path, district
):
    load(make_package(tmp_path / "in", **school_of(40)))
    delta = make_package(
        tmp_path / "delta",
        modes={"courses": "delta"},
        without=(
            "orgs",
            "academicSessions",
            "classes",
            "roles",
            "users",
            "enrollments",
            "demographics",
        ),
        courses=[
            {
                "sourcedId": "c",
                "status": "tobedeleted",
                "dateLastModified": "2026-01-02T03:04:05.000Z",
                "title": "Mathematics 7",
                "orgSourcedId": "s",
            }
        ],
    )

    load(delta, "--confirm-departures")

    assert Section.objects.get(sourced_id="k").deactivated_at is not None
    assert not Enrollment.objects.filter(deactivated_at=None).exists()
