"""The mastery report counts every expected pair once, by where it stands today."""

import csv
import io
import json
import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from competencies.models import Competency, Expectation
from mastery.models import MasteryState
from mastery.queries.reports import layout
from mastery.queries.reports.mastery import NothingExpected, Tally, mastery_report
from students.models import Enrollment, SchoolEnrollment
from tests import factories

pytestmark = pytest.mark.django_db

LEVELS = ("", "Emerging", "Developing", "Proficient", "Extending")


@pytest.fixture
def town():
    """A school with Ana and Ben in grade 7 and Cleo in grade 8; fractions and ratios."""

    class Town:
        district = factories.make_district(code="harbour")
        school = factories.make_school(name="Harbour School", sourced_id="s-1", district=district)
        ana = factories.make_student(district=district)
        ben = factories.make_student(district=district)
        cleo = factories.make_student(district=district)
        fractions = factories.make_competency(code="NS.1", statement="Divide fractions")
        ratios = factories.make_competency(
            code="RP.1", statement="Use ratios", framework=fractions.framework
        )

    for student, grade in ((Town.ana, "07"), (Town.ben, "07"), (Town.cleo, "08")):
        factories.make_school_enrollment(student=student, school=Town.school, grade=grade)
    return Town


def expect(town, competency, **of):
    """Expect a competency of a grade, section, course or student."""
    if "grade" in of:
        of["school"] = town.school
    return factories.make_expectation(district=town.district, competency=competency, **of)


def stand(student, competency, decision, basis="evidence", **more):
    more.setdefault("policy_version", factories.preset())
    return factories.make_state(
        student=student, competency=competency, decision=decision, basis=basis, **more
    )


def by_code(report):
    return {row.code: row.tally for row in report.rows}


def test_who_has_shown_nothing_is_counted_as_without_evidence_and_never_as_not_yet(town):
    expect(town, town.fractions, grade="07")

    report = mastery_report(town.school)

    tally = by_code(report)["NS.1"]
    assert (tally.expected, tally.no_evidence, sum(tally.not_yet.values())) == (2, 2, 0)
    assert report.levels == LEVELS
    assert tally.mastered_percent == 0


def test_each_standing_has_its_column_and_together_they_are_everyone_expected(town):
    expect(town, town.fractions, grade="07")
    places = [
        ({"decision": "no_evidence"}, "no_evidence"),
        ({"decision": "awaiting_confirmation", "shown_level": 3}, "awaiting_confirmation"),
        ({"decision": "mastered", "shown_level": 3}, "mastered_here"),
        ({"decision": "mastered", "basis": "rollup", "policy_version": None}, "mastered_here"),
        ({"decision": "mastered", "basis": "override"}, "mastered_by_override"),
        ({"decision": "mastered", "basis": "prior_standing"}, "prior_standing"),
        ({"decision": "none", "shown_level": 2}, "described"),
    ]
    for more, _name in places:
        student = factories.make_student(district=town.district)
        factories.make_school_enrollment(student=student, school=town.school, grade="07")
        stand(student, town.fractions, **more)
    for student, level in ((town.ana, 3), (town.ben, None)):
        stand(student, town.fractions, "not_yet", shown_level=level)

    tally = mastery_report(town.school).total

    assert tally == Tally(
        expected=9,
        no_evidence=1,
        not_yet={"": 1, "Emerging": 0, "Developing": 0, "Proficient": 1, "Extending": 0},
        described=1,
        awaiting_confirmation=1,
        mastered_here=2,
        mastered_by_override=1,
        prior_standing=1,
    )
    assert tally.mastered_percent == Decimal("33.3")


def test_marks_stand_beside_the_decision_and_change_no_share(town):
    today = timezone.now().date()
    expect(town, town.fractions, grade="07")
    stand(town.ana, town.fractions, "mastered", refresh_on=today, look_again_on=today)
    stand(town.ben, town.fractions, "mastered", refresh_on=today + timedelta(days=1))

    tally = mastery_report(town.school).total

    assert (tally.refresh_due, tally.look_again, tally.mastered_here) == (1, 1, 2)
    assert tally.mastered_percent == 100


def test_a_pair_that_is_expected_in_four_ways_is_expected_once(town):
    section = factories.make_section(school=town.school, district=town.district)
    factories.make_enrollment(section=section, student=town.ana)
    for of in ({"grade": "07"}, {"section": section}, {"course": section.course}):
        expect(town, town.fractions, **of)
    expect(town, town.fractions, student=town.ana)
    expect(town, town.fractions, grade="07", starts_on=date(2024, 9, 1))
    stand(town.ana, town.fractions, "mastered")

    tally = mastery_report(town.school).total

    assert (tally.expected, tally.mastered_here, tally.no_evidence) == (2, 1, 1)


@pytest.mark.parametrize("kind", ["section", "course"])
def test_a_section_and_its_course_expect_of_those_who_sit_in_it(town, kind):
    section = factories.make_section(school=town.school, district=town.district)
    factories.make_enrollment(section=section, student=town.cleo)
    expect(town, town.fractions, **{kind: section if kind == "section" else section.course})

    assert mastery_report(town.school).total.expected == 1


def test_who_sits_in_a_section_without_being_enrolled_in_the_school_is_counted(town):
    section = factories.make_section(school=town.school, district=town.district)
    guest = factories.make_student(district=town.district)
    factories.make_enrollment(section=section, student=guest)
    expect(town, town.fractions, section=section)

    [row] = mastery_report(town.school, by="grade").rows

    assert (row.id, row.name, row.tally.expected) == ("", "No grade", 1)


def test_what_is_over_not_begun_or_elsewhere_is_not_expected(town):
    today = timezone.now().date()
    expect(town, town.fractions, grade="07")
    expect(town, town.ratios, grade="07", starts_on=today + timedelta(days=1))
    expect(town, town.ratios, grade="08", ends_on=today)
    elsewhere = factories.make_school(district=town.district)
    factories.make_expectation(
        competency=town.ratios, school=elsewhere, grade="07", district=town.district
    )
    retired = factories.make_competency(retired_at=timezone.now())
    expect(town, retired, grade="07")
    SchoolEnrollment.objects.filter(student=town.ben).update(ends_on=today)

    report = mastery_report(town.school)

    assert (report.total.expected, report.students, report.competencies) == (1, 1, 1)


def test_a_duplicate_is_the_student_who_carries_on(town):
    double = factories.make_student(district=town.district, merged_into=town.ana)
    factories.make_school_enrollment(student=double, school=town.school, grade="07")
    expect(town, town.fractions, grade="07")
    expect(town, town.fractions, student=double)
    stand(town.ana, town.fractions, "mastered")

    tally = mastery_report(town.school).total

    assert (tally.expected, tally.mastered_here) == (2, 1)


def test_of_two_enrolments_the_newest_tells_the_grade_and_both_tell_what_is_expected(town):
    SchoolEnrollment.objects.filter(student=town.ana).update(starts_on=date(2025, 9, 1))
    factories.make_school_enrollment(
        student=town.ana, school=town.school, grade="08", starts_on=date(2026, 1, 7)
    )
    expect(town, town.fractions, grade="07")
    expect(town, town.ratios, grade="08")

    rows = {row.id: row.tally.expected for row in mastery_report(town.school, by="grade").rows}

    assert rows == {"07": 1, "08": 3}  # Ben's; Cleo's and both of Ana's


def test_by_grade_and_for_one_grade(town):
    for grade in ("07", "08"):
        expect(town, town.fractions, grade=grade)
    stand(town.cleo, town.fractions, "mastered")

    rows = mastery_report(town.school, by="grade").rows
    one = mastery_report(town.school, grade="08")

    assert [(row.name, row.tally.expected, row.tally.mastered_here) for row in rows] == [
        ("Grade 07", 2, 0),
        ("Grade 08", 1, 1),
    ]
    assert (one.total.expected, one.total.mastered_here) == (1, 1)


def test_by_section_a_pair_is_in_each_section_and_once_in_the_total(town):
    first, second = (
        factories.make_section(school=town.school, district=town.district, title=title, code="x")
        for title in ("First", "Second")
    )
    for section in (first, second):
        factories.make_enrollment(section=section, student=town.ana)
        expect(town, town.fractions, section=section)
    expect(town, town.fractions, grade="07")
    stand(town.ana, town.fractions, "mastered")

    report = mastery_report(town.school, by="section")

    assert [(row.name, row.tally.expected, row.tally.mastered_here) for row in report.rows] == [
        ("First", 1, 1),
        ("Second", 1, 1),
        ("Expected of a grade or a student", 2, 1),
    ]
    assert (report.total.expected, report.total.mastered_here) == (2, 1)
    assert report.rows[0].id == str(first.public_id)
    assert "once in the total" in layout.as_table(report)


def test_by_section_without_anything_else_there_is_no_other_row(town):
    section = factories.make_section(school=town.school, district=town.district, title="First")
    factories.make_enrollment(section=section, student=town.ana)
    expect(town, town.fractions, course=section.course)

    assert [row.name for row in mastery_report(town.school, by="section").rows] == ["First"]


def test_levels_of_every_scale_in_use_are_told_by_name(town):
    scale = factories.make_scale(district=town.district)
    factories.make_level(scale=scale, name="Begun")
    factories.make_level(scale=scale, name="Proficient")
    version = factories.make_policy_version(
        policy=factories.make_policy(district=town.district), scale=scale, target=2, cuts=[1, 2]
    )
    factories.make_placement(version=version, district=town.district, competency=town.ratios)
    for competency in (town.fractions, town.ratios):
        expect(town, competency, grade="07")
    stand(town.ana, town.fractions, "not_yet", shown_level=3)
    stand(town.ana, town.ratios, "not_yet", shown_level=2, policy_version=version)

    report = mastery_report(town.school)

    assert set(report.levels) == {*LEVELS, "Begun"}
    assert report.total.not_yet["Proficient"] == 2
    assert report.policies == tuple(sorted(["Two in a row v1", str(version)]))


def test_a_level_that_its_scale_does_not_have_is_told_as_none(town):
    expect(town, town.fractions, grade="07")
    stand(town.ana, town.fractions, "not_yet", shown_level=0)

    assert mastery_report(town.school).total.not_yet[""] == 1


def test_pairs_in_the_queue_are_counted_once_and_only_where_expected(town):
    section = factories.make_section(school=town.school, district=town.district)
    factories.make_enrollment(section=section, student=town.ana)
    expect(town, town.fractions, section=section)
    expect(town, town.fractions, grade="07")
    factories.make_request(student=town.ana, competency=town.fractions)
    factories.make_request(student=town.ana, competency=town.ratios)
    factories.make_request(
        student=town.ben, competency=town.fractions, quarantined_at=timezone.now()
    )

    report = mastery_report(town.school, by="section")

    assert (report.updating, report.paused) == (1, 1)
    table = layout.as_table(report)
    assert "Updating: 1 pairs wait to be recomputed." in table
    assert "Paused: 1 pairs show their last good value." in table


@pytest.mark.parametrize(
    ("mastered", "of", "percent"),
    [(0, 3, "0.0"), (3, 3, "100.0"), (1, 8, "12.5"), (1, 16, "6.3"), (1, 3000, "0.1"),
     (2999, 3000, "99.9"), (0, 0, None)],
)  # fmt: skip
def test_all_and_nobody_are_said_only_when_they_are_true(mastered, of, percent):
    tally = Tally(expected=of, mastered_here=mastered)

    assert tally.mastered_percent == (None if percent is None else Decimal(percent))


def _slowly(town, by):
    """Count the expected pairs one by one, the way the report is defined."""
    places = {}
    for one in Expectation.objects.filter(district=town.district):
        seats = Enrollment.objects.all()
        if one.grade:
            rows = SchoolEnrollment.objects.filter(grade=one.grade).values_list("student")
            found = [(student, None) for (student,) in rows]
        elif one.student_id:
            found = [(one.student_id, None)]
        else:
            at = {"section": one.section} if one.section else {"section__course": one.course}
            found = list(seats.filter(**at).values_list("student", "section"))
        for student, section in found:
            places.setdefault((student, one.competency_id), set()).add(section)
    grades = dict(SchoolEnrollment.objects.values_list("student", "grade"))
    states = {(one.student_id, one.competency_id): one for one in MasteryState.objects.all()}
    ids = {one.pk: str(one.identifier) for one in Competency.objects.all()}
    counts = {}
    for pair, sections in places.items():
        keys = {
            "competency": {ids[pair[1]]},
            "grade": {grades[pair[0]]},
            "section": {"" if one is None else str(one) for one in sections},
        }[by]
        for key in keys:
            expected, mastered, none = counts.get(key, (0, 0, 0))
            state = states.get(pair)
            counts[key] = (
                expected + 1,
                mastered + (state is not None and state.decision == "mastered"),
                none + (state is None),
            )
    return counts


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("by", ["competency", "grade", "section"])
def test_the_report_counts_what_counting_one_by_one_gives(seed, by):
    rng = random.Random(seed)

    class Town:
        district = factories.make_district()
        school = factories.make_school(district=district)

    pupils = [factories.make_student(district=Town.district) for _ in range(8)]
    course = factories.make_course(school=Town.school)
    sections = [factories.make_section(course=course) for _ in range(3)]
    wanted = [factories.make_competency() for _ in range(6)]
    for pupil in pupils:
        grade = rng.choice(["07", "08"])
        factories.make_school_enrollment(student=pupil, school=Town.school, grade=grade)
        for section in rng.sample(sections, rng.randrange(3)):
            factories.make_enrollment(student=pupil, section=section)
        for one in rng.sample(wanted, 3):
            stand(pupil, one, rng.choice(["mastered", "not_yet"]), shown_level=rng.randint(1, 4))
    for number in range(14):
        of = rng.choice(["grade", "section", "course", "student"])
        value = {
            "grade": rng.choice(["07", "08"]),
            "section": rng.choice(sections),
            "course": course,
            "student": rng.choice(pupils),
        }[of]
        start = date(2025, 1, 1) + timedelta(days=number)
        expect(Town, rng.choice(wanted), **{of: value}, starts_on=start)

    report = mastery_report(Town.school, by=by)

    told = {
        row.id: (row.tally.expected, row.tally.mastered_here, row.tally.no_evidence)
        for row in report.rows
    }
    slowly = _slowly(Town, by)
    if by == "section":
        names = {str(section.pk): str(section.public_id) for section in sections} | {"": ""}
        slowly = {names[key]: counts for key, counts in slowly.items()}
    assert told == slowly
    total = mastery_report(Town.school).total
    assert (report.total.expected, report.total.no_evidence) == (total.expected, total.no_evidence)


@pytest.mark.parametrize("by", ["competency", "grade", "section"])
def test_a_report_costs_the_same_queries_for_one_pair_and_for_many(town, by):
    def cost():
        with CaptureQueriesContext(connection) as told:
            mastery_report(town.school, by=by)
        return len(told)

    expect(town, town.fractions, grade="07")
    section = factories.make_section(school=town.school, district=town.district)
    factories.make_enrollment(section=section, student=town.ana)
    expect(town, town.fractions, section=section)
    stand(town.ana, town.fractions, "not_yet", shown_level=2)
    one = cost()
    for _ in range(30):
        student = factories.make_student(district=town.district)
        factories.make_school_enrollment(student=student, school=town.school, grade="08")
        competency = factories.make_competency()
        expect(town, competency, grade="08")
        stand(student, competency, "not_yet", shown_level=2)

    assert cost() == one


# the command


def run(capsys, *words):
    call_command("report", "mastery", "--school", "s-1", *words)
    return capsys.readouterr().out


@pytest.fixture
def reported(town):
    for competency in (town.fractions, town.ratios):
        expect(town, competency, grade="07")
    stand(town.ana, town.fractions, "mastered")
    stand(town.ben, town.fractions, "not_yet", shown_level=2)
    return town


def test_the_table_is_aligned_with_a_total_and_its_notes(reported, capsys):
    lines = run(capsys).splitlines()

    day = timezone.now().date()
    assert lines == [
        f"Mastery at Harbour School on {day}, by competency",
        "2 students, 2 competencies, 4 expected pairs",
        "",
        "                  expected  no evidence  Emerging  Developing  Proficient  Extending"
        "  mastered     %",
        "NS.1 Divide fra…         2            0         0           1           0          0"
        "         1  50.0",
        "RP.1 Use ratios          2            2         0           0           0          0"
        "         0   0.0",
        "-" * 100,
        "Total                    4            2         0           1           0          0"
        "         1  25.0",
        "",
        "The levels are of what is not yet mastered. % is mastered here, of all expected.",
        "Decided by: Two in a row v1",
    ]


def test_the_csv_has_every_column_and_the_total_last(reported, capsys):
    reported.ratios.statement = "=HYPERLINK(1)"
    reported.ratios.save()

    rows = list(csv.reader(io.StringIO(run(capsys, "--format", "csv"))))

    assert ",".join(rows[0]) == (
        "id,code,name,expected,no_evidence,not_yet:,not_yet:Emerging,not_yet:Developing,"
        "not_yet:Proficient,not_yet:Extending,described,awaiting_confirmation,mastered_here,"
        "mastered_by_override,prior_standing,refresh_due,look_again,mastered_percent"
    )
    assert ",".join(rows[1][1:]) == "NS.1,Divide fractions,2,0,0,0,1,0,0,0,0,1,0,0,0,0,50.0"
    assert rows[2][2] == "'=HYPERLINK(1)"
    assert ",".join(rows[3]) == "total,,Total,4,2,0,0,1,0,0,0,0,1,0,0,0,0,25.0"


def test_the_json_has_the_same_figures(reported, capsys):
    said = json.loads(run(capsys, "--format", "json", "--by", "grade"))

    assert said["schema"] == "cairn.mastery_report.1"
    assert said["school"]["sourced_id"] == "s-1"
    assert (said["students"], said["competencies"], said["policies"]) == (
        2,
        2,
        ["Two in a row v1"],
    )
    [row] = said["rows"]
    assert (row["id"], row["code"], row["name"]) == ("07", "07", "Grade 07")
    assert said["total"] == {
        "expected": 4,
        "no_evidence": 2,
        "not_yet": {"": 0, "Emerging": 0, "Developing": 1, "Proficient": 0, "Extending": 0},
        "described": 0,
        "awaiting_confirmation": 0,
        "mastered_here": 1,
        "mastered_by_override": 0,
        "prior_standing": 0,
        "refresh_due": 0,
        "look_again": 0,
        "mastered_percent": 25.0,
    }


def test_competencies_are_narrowed_by_code_and_framework(reported, capsys):
    title = reported.fractions.framework.title

    assert "2 expected pairs" in run(capsys, "--competency", "ns")
    assert "4 expected pairs" in run(capsys, "--framework", title)
    assert "grade 07" in run(capsys, "--grade", "07")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--grade", "12"], "Nobody at Harbour School is in grade 12; the grades there: 07, 08."),
        (["--grade", "08"], "Nothing of what was asked for .* --grade 08"),
        (["--competency", "X"], "Nothing of what was asked for"),
        (["--framework", "Art"], "No framework is called Art"),
        (["--format", "pdf"], "invalid choice: 'pdf'"),
        (["--by", "teacher"], "invalid choice: 'teacher'"),
    ],
)
def test_what_is_wrong_is_said(reported, words, message):
    with pytest.raises(CommandError, match=message):
        call_command("report", "mastery", "--school", "s-1", *words)


def test_an_unknown_school_is_refused(reported):
    with pytest.raises(CommandError, match="No school is called “Hill”"):
        call_command("report", "mastery", "--school", "Hill")


def test_where_nothing_is_expected_it_is_said_how_to_expect_it(town):
    with pytest.raises(NothingExpected) as told:
        mastery_report(town.school)

    assert str(told.value) == (
        "Nothing is expected at Harbour School today. Say who works on what: ./run manage expect "
        "--district harbour --school s-1 --grade 07 --framework all --from DATE"
    )


def test_where_nobody_is_enrolled_it_is_said():
    school = factories.make_school(name="Empty")

    with pytest.raises(NothingExpected, match="Nobody is enrolled at Empty"):
        mastery_report(school)
