"""The command ``expect`` and its action: who works on what, from when to when."""

import io
from datetime import date

import pytest
from django.core.management import CommandError, call_command

from competencies.actions.expectations import (
    ExpectationRefused,
    Expected,
    add_expectations,
)
from competencies.models import Expectation
from students.permissions import NotAllowed
from tests import factories
from tests.competencies.test_import_framework import numbers

pytestmark = pytest.mark.django_db


@pytest.fixture
def school():
    district = factories.make_district(code="north")
    return factories.make_school(district=district, name="Lower", sourced_id="s-1")


@pytest.fixture
def framework():
    """Return a shared framework: A.1 and B.1 rated, A not rated, A.0 retired."""
    framework = factories.make_framework(title="Arithmetic")
    for code in ("A.1", "B.1"):
        factories.make_competency(framework=framework, code=code)
    factories.make_competency(framework=framework, code="A", is_rated=False)
    factories.make_competency(framework=framework, code="A.0", retired_at=factories.INSTANT)
    return framework


def expect(**options):
    out = io.StringIO()
    given = {
        "district": "north",
        "framework": "Arithmetic",
        "school": "s-1",
        "from": "2026-09-01",
        **options,
    }
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    call_command("expect", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def codes():
    return sorted(Expectation.objects.values_list("competency__code", flat=True))


def test_a_grade_is_expected_what_is_rated_and_in_use(school, framework):
    printed = expect(grade="5")

    assert codes() == ["A.1", "B.1"]
    assert numbers(printed, "expectations") == [2, 0, 0]
    assert set(Expectation.objects.values_list("school", "grade", "starts_on", "ends_on")) == {
        (school.pk, "5", date(2026, 9, 1), None)
    }


def test_expecting_again_changes_nothing_and_another_end_moves_it(school, framework):
    expect(grade="5")

    assert numbers(expect(grade="5"), "expectations") == [0, 0, 2]
    assert numbers(expect(grade="5", to="2027-07-01"), "expectations") == [0, 2, 0]
    assert set(Expectation.objects.values_list("ends_on", flat=True)) == {date(2027, 7, 1)}


def test_a_course_and_a_section_are_named_by_their_id(school, framework):
    course = factories.make_course(school=school, sourced_id="c-1")
    section = factories.make_section(course=course, sourced_id="x-1")

    expect(course="c-1")
    expect(section="x-1")

    assert Expectation.objects.filter(course=course).count() == 2
    assert Expectation.objects.filter(section=section).count() == 2


def test_codes_choose_by_how_they_begin(school, framework):
    expect(grade="5", codes="A")

    assert codes() == ["A.1"]


def test_the_school_is_found_by_name_and_the_framework_by_identifier(school, framework):
    expect(grade="5", school="lower", framework=str(framework.identifier).upper())

    assert codes() == ["A.1", "B.1"]


def test_all_frameworks_are_the_shared_ones_and_the_districts_own(school, framework):
    own = factories.make_framework(district=school.district)
    foreign = factories.make_framework(district=factories.make_district())
    factories.make_competency(framework=own, code="own")
    factories.make_competency(framework=foreign, code="foreign")

    expect(grade="5", framework="all")

    assert codes() == ["A.1", "B.1", "own"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"district": "south"}, "no district south"),
        ({"school": "Upper"}, "no school Upper"),
        ({"framework": "Histry"}, "There are: Arithmetic"),
        ({"codes": "A,C"}, "begins with C"),
        ({"to": "2026-09-01"}, "before the first"),
    ],
)
def test_what_is_not_there_is_named(school, framework, options, says):
    with pytest.raises(CommandError, match=says):
        expect(grade="5", **options)

    assert not Expectation.objects.exists()


def test_a_course_that_is_not_there_is_named(school, framework):
    with pytest.raises(CommandError, match="no course c-9"):
        expect(course="c-9")


def test_of_two_frameworks_with_one_title_the_id_must_be_given(school, framework):
    twin = factories.make_framework(title="Arithmetic")

    with pytest.raises(CommandError, match=str(twin.identifier)):
        expect(grade="5")


def test_a_grade_that_nobody_is_in_is_told(school, framework):
    factories.make_school_enrollment(school=school, grade="05")

    assert "nobody at Lower is in grade 5; the grades there: 05" in expect(grade="5")
    assert "nobody" not in expect(grade="05")


def test_a_dry_run_writes_nothing(school, framework):
    printed = expect_dry(grade="5")

    assert numbers(printed, "expectations") == [2, 0, 0]
    assert not Expectation.objects.exists()


def expect_dry(**options):
    out = io.StringIO()
    call_command(
        "expect",
        "--district=north",
        "--framework=Arithmetic",
        "--school=s-1",
        "--from=2026-09-01",
        "--dry-run",
        *(f"--{name}={value}" for name, value in options.items()),
        stdout=out,
    )
    return out.getvalue()


def test_a_student_can_be_expected_something_alone(school, framework):
    student = factories.make_student(district=school.district)

    add_expectations(
        actor=None,
        district=school.district,
        competencies=framework.competencies.filter(code="A.1"),
        expected=Expected(student=student),
        starts_on=date(2026, 9, 1),
    )

    assert Expectation.objects.get().student == student


@pytest.mark.parametrize(("code", "says"), [("A", "A is not rated"), ("A.0", "A.0 is retired")])
def test_what_cannot_be_rated_is_not_expected(school, framework, code, says):
    with pytest.raises(ExpectationRefused, match=says):
        add_expectations(
            actor=None,
            district=school.district,
            competencies=framework.competencies.filter(code=code),
            expected=Expected(school=school, grade="5"),
            starts_on=date(2026, 9, 1),
        )


def test_another_districts_competency_or_school_is_not_expected(school, framework):
    foreign = factories.make_competency(framework__district=factories.make_district())
    elsewhere = factories.make_school()
    for competencies, expected in (
        ([foreign], Expected(school=school, grade="5")),
        (framework.competencies.filter(code="A.1"), Expected(school=elsewhere, grade="5")),
    ):
        with pytest.raises(ExpectationRefused, match=r"district|belong"):
            add_expectations(
                actor=None,
                district=school.district,
                competencies=competencies,
                expected=expected,
                starts_on=date(2026, 9, 1),
            )


def test_exactly_one_is_expected(school):
    with pytest.raises(ExpectationRefused):
        Expected()
    with pytest.raises(ExpectationRefused):
        Expected(school=school)
    with pytest.raises(ExpectationRefused):
        Expected(school=school, grade="5", course=factories.make_course(school=school))


def test_only_an_administrator_sets_expectations(school, framework):
    with pytest.raises(NotAllowed):
        add_expectations(
            actor=factories.make_user(district=school.district),
            district=school.district,
            competencies=framework.competencies.filter(code="A.1"),
            expected=Expected(school=school, grade="5"),
            starts_on=date(2026, 9, 1),
        )


@pytest.mark.parametrize("size", [1, 30])
def test_expecting_costs_the_same_queries_for_one_and_for_thirty(
    school, django_assert_num_queries, size
):
    framework = factories.make_framework(title="Arithmetic")
    for _ in range(size):
        factories.make_competency(framework=framework)
    rows = list(framework.competencies.all())

    with django_assert_num_queries(9):
        add_expectations(
            actor=None,
            district=school.district,
            competencies=rows,
            expected=Expected(school=school, grade="5"),
            starts_on=date(2026, 9, 1),
        )
