"""``record``: one piece from the command line, and what it changed."""

import zoneinfo
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from assessments.models import Conditions, Evidence, Kind, Mark, Rating
from mastery.models import MasteryState, RecomputeRequest
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def school():
    """Ana, number 7; a heading with one rated part, which opens another competency."""

    class School:
        district = factories.make_district(code="harbour", time_zone="Pacific/Auckland")
        ana = factories.make_student(district=district, number="7")
        heading = factories.make_competency(is_rated=False, code="NS")
        fractions = factories.make_competency(parent=heading, code="NS.1")
        ratios = factories.make_competency(framework=heading.framework, code="RP.1")

    factories.make_prerequisite(competency=School.ratios, requires=School.fractions)
    return School


def run(capsys, *words):
    call_command("record", *words)
    return capsys.readouterr().out.splitlines()


def test_the_new_level_and_what_follows_are_told(school, capsys):
    first = run(capsys, "7", "NS.1", "3", "--on", "2026-03-02", "--task", "Bridge")
    second = run(capsys, "7", "NS.1", "2.5", "--on", "2026-03-03", "--task", "Tower")
    third = run(capsys, "7", "NS.1", "3", "--on", "2026-03-04", "--task", "Map")
    fourth = run(capsys, "7", "NS.1", "4", "--on", "2026-03-05", "--task", "Model")

    assert first[0].endswith("(7): NS.1 Can do NS.1")
    assert first[1].startswith("Proficient so far, 1 of 2")
    assert first[2:] == ["Queued: NS (the whole it is part of)", "Queued: RP.1 (what it opens)"]
    assert second[1].endswith("— Not yet")
    assert third[1].endswith("— Not yet")
    assert fourth[1] == "Proficient — Mastered"
    assert fourth[2].startswith("Mastered on 2026-03-05, decided ")
    assert Rating.objects.filter(points=Decimal("2.5")).exists()


def test_a_piece_that_changes_nothing_tells_no_change(school, capsys):
    run(capsys, "7", "NS.1", "3", "--on", "2026-03-02", "--task", "Bridge")
    run(capsys, "7", "NS.1", "3", "--on", "2026-03-03", "--task", "Tower")

    late = run(capsys, "7", "NS.1", "1", "--on", "2026-03-01", "--task", "Late")

    assert late[1] == "Proficient — Mastered"
    assert not [line for line in late if line.startswith("Mastered on")]


def test_everything_that_was_said_is_recorded(school, capsys):
    run(
        capsys,
        *("7", "NS.1", "2", "--on", "2026-03-02", "--task", "Bridge", "--kind", "project"),
        *("--conditions", "with-support", "--comment", "=SUM of its parts"),
    )

    piece = Evidence.objects.get()
    assert (piece.title, piece.kind, piece.conditions) == (
        "Bridge",
        Kind.PROJECT,
        Conditions.WITH_SUPPORT,
    )
    assert (piece.comment, piece.source) == ("=SUM of its parts", "command")
    assert piece.demonstrated_on == date(2026, 3, 2)


def test_without_a_day_it_is_today_where_the_district_is(school, capsys):
    run(capsys, "7", "NS.1", "2")

    today = timezone.now().astimezone(zoneinfo.ZoneInfo("Pacific/Auckland")).date()
    assert Evidence.objects.get().demonstrated_on == today


def test_another_mark_carries_no_points(school, capsys):
    lines = run(capsys, "7", "NS.1", "--mark", "excused")

    assert Rating.objects.get().mark == Mark.EXCUSED
    assert lines[1] == "No evidence yet — No evidence yet"


def test_one_that_its_parts_decide_says_so(school, capsys):
    standard = factories.make_competency(code="S")
    factories.make_competency(parent=standard, code="S.a")
    factories.make_rollup_rule(competency=standard, district=school.district)

    lines = run(capsys, "7", "S", "3")

    assert "Its parts decide: No evidence yet" in lines


def test_a_pair_whose_calculation_is_paused_is_recorded_and_said_to_be(school, capsys):
    factories.make_request(
        student=school.ana, competency=school.fractions, attempts=1, last_error="ValueError: no"
    )

    lines = run(capsys, "7", "NS.1", "3")

    assert Rating.objects.exists()
    assert lines[1:] == [
        "No evidence yet. Calculation paused; there is no earlier value.",
        "Queued: NS.1 (updating)",
    ]


def test_a_teacher_records_in_their_own_name_with_their_own_rights(school, capsys):
    section = factories.make_section(district=school.district)
    factories.make_enrollment(section=section, student=school.ana)
    rosa = factories.make_user(sign_in_name="rosa@harbour", district=school.district)
    with pytest.raises(CommandError, match="Nothing was recorded"):
        call_command("record", "7", "NS.1", "3", "--as", "rosa@harbour")

    factories.make_teaching(section=section, user=rosa)
    run(capsys, "7", "NS.1", "3", "--as", "rosa@harbour")

    assert Rating.objects.get().assessor == rosa


def test_a_dry_run_tells_the_same_and_leaves_nothing(school, capsys):
    lines = run(capsys, "7", "NS.1", "3", "--dry-run")

    assert lines[1].startswith("Proficient so far")
    assert lines[-1] == "Dry run: nothing was written."
    _assert_nothing_is_left()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["7", "NS.1", "2,5"], r"Write points with a point: 2\.5, not 2,5"),
        (["7", "NS.1", "three"], "“three” is no number of points"),
        (["7", "NS.1", "NaN"], "“NaN” is no number of points"),
        (["7", "NS.1", "5"], "Points go from 0 to 4"),
        (["7", "NS.1", "-1"], "Points go from 0 to 4"),
        (["7", "NS.1", "2.125"], "two decimal places"),
        (["7", "NS.1"], "needs points"),
        (["7", "NS.1", "3", "--mark", "missed"], "carries no points"),
        (["7", "NS.1", "3", "--mark", "late"], "“late” is not one of: rated, not_shown"),
        (["7", "NS.1", "3", "--kind", "homework"], "“homework” is not one of: observation"),
        (["7", "NS.1", "3", "--conditions", "pair"], "“pair” is not one of: independent"),
        (["7", "NS.1", "3", "--on", "2.3.2026"], r"“2\.3\.2026” is no day"),
        (["7", "NS.1", "3", "--task", "x" * 301], "longer than 300 characters"),
        (["7", "NS", "3"], "is a heading"),
        (["7", "NS.9", "3"], "No competency has"),
        (["8", "NS.1", "3"], "No student has"),
        (["7", "NS.1", "3", "--as", "tom@harbour"], "Nobody signs in as tom@harbour"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left(school, words, message):
    with pytest.raises(CommandError, match=f"Nothing was recorded. .*{message}"):
        call_command("record", *words)

    _assert_nothing_is_left()


def test_tomorrow_is_refused(school):
    soon = timezone.now().date() + timedelta(days=2)

    with pytest.raises(CommandError, match="is in the future"):
        call_command("record", "7", "NS.1", "3", "--on", str(soon))


def _assert_nothing_is_left():
    for model in (Evidence, Rating, MasteryState, RecomputeRequest):
        assert not model.objects.exists()
