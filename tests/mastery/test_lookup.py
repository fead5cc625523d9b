"""What a person names at the command line is found, or it is said how to name it."""

from datetime import UTC, datetime

import pytest

from mastery.queries.lookup import (
    NotAnInstant,
    NotFound,
    find_competency,
    find_instant,
    find_school,
    find_student,
)
from tests import factories

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MADRID = "Europe/Madrid"


@pytest.fixture
def ana(db):
    user = factories.make_user(sourced_id="r-1", district=factories.make_district(code="harbour"))
    return factories.make_student(user=user, number="7")


def test_a_student_is_found_by_public_id_roster_id_or_number(ana):
    for text in (str(ana.public_id), "r-1", "7"):
        assert find_student(text) == ana


def test_a_roster_id_that_looks_like_a_public_id_is_found_too(ana):
    roster_id = "6c84fb90-12c4-41e1-840d-76e71a1b0b3c"
    other = factories.make_student(user=factories.make_user(sourced_id=roster_id))

    assert find_student(roster_id) == other


def test_a_duplicate_leads_to_the_student_who_carries_on(ana):
    factories.make_student(district=ana.district, number="8", merged_into=ana)

    assert find_student("8") == ana


def test_a_number_of_two_districts_asks_for_one_of_them(ana):
    other = factories.make_student(number="7")

    with pytest.raises(NotFound) as told:
        find_student("7")

    assert f"{ana.public_id} (harbour, number 7)" in str(told.value)
    assert str(other.public_id) in str(told.value)
    assert find_student("7", district="harbour") == ana


def test_one_students_number_can_be_anothers_roster_id(ana):
    factories.make_student(user=factories.make_user(sourced_id="7", district=ana.district))

    with pytest.raises(NotFound, match=r"\(harbour, roster id 7\)"):
        find_student("7")


def test_of_very_many_candidates_ten_are_named(db):
    for _ in range(12):
        factories.make_student(number="7")

    with pytest.raises(NotFound) as told:
        find_student("7")

    assert str(told.value).count("number 7") == 10
    assert str(told.value).endswith("…")


@pytest.mark.parametrize("text", ["nobody", "6c84fb90-12c4-41e1-840d-76e71a1b0b3c", ""])
def test_an_unknown_student_is_refused(ana, text):
    factories.make_student()  # with neither roster id nor number

    with pytest.raises(NotFound, match="No student has the public id"):
        find_student(text)


def test_an_unknown_district_is_refused_and_those_there_are_named(ana):
    with pytest.raises(NotFound, match=r"no district|No district.*\n  harbour"):
        find_student("7", district="harbor")


def test_a_competency_is_found_by_identifier_external_id_or_code(ana):
    fractions = factories.make_competency(code="NS.1", external_id="x-1")

    for text in (str(fractions.identifier), "x-1", "NS.1"):
        assert find_competency(text, district=ana.district) == fractions


def test_a_code_of_several_frameworks_asks_for_one_of_them(ana):
    first = factories.make_competency(code="NS.1")
    second = factories.make_competency(code="NS.1")

    with pytest.raises(NotFound, match="Add --framework") as told:
        find_competency("NS.1", district=ana.district)

    assert f"{first.framework.identifier} ({first.framework.title})" in str(told.value)
    title = second.framework.title
    assert find_competency("NS.1", district=ana.district, framework=title) == second


def test_a_code_that_a_framework_uses_twice_asks_for_the_identifier(ana):
    first = factories.make_competency(code="NS.1")
    factories.make_competency(code="NS.1", framework=first.framework)

    with pytest.raises(NotFound, match="by its identifier") as told:
        find_competency("NS.1", district=ana.district)

    assert str(first.identifier) in str(told.value)


def test_a_competency_of_another_districts_framework_is_not_there(ana):
    theirs = factories.make_framework(district=factories.make_district())
    factories.make_competency(code="NS.1", framework=theirs)

    with pytest.raises(NotFound, match="No competency has"):
        find_competency("NS.1", district=ana.district)


@pytest.mark.parametrize("text", ["", "6c84fb90-12c4-41e1-840d-76e71a1b0b3c"])
def test_an_unknown_competency_is_refused(ana, text):
    factories.make_competency(code="")

    with pytest.raises(NotFound, match="No competency has"):
        find_competency(text, district=ana.district)


def test_a_school_is_found_by_public_id_roster_id_or_name(ana):
    school = factories.make_school(name="Harbour School", sourced_id="s-1", district=ana.district)

    for text in (str(school.public_id), "s-1", "harbour school"):
        assert find_school(text) == school


def test_a_school_that_is_not_there_is_refused_and_those_there_are_named(ana):
    with pytest.raises(NotFound, match="There are: none"):
        find_school("Hill")
    factories.make_school(name="Harbour School")

    with pytest.raises(NotFound, match="There are:\n  Harbour School"):
        find_school("Hill")


def test_a_name_of_two_schools_asks_for_one_of_them(ana):
    one = factories.make_school(name="Hill", district=ana.district)
    factories.make_school(name="Hill")

    with pytest.raises(NotFound, match="could be several schools"):
        find_school("Hill")

    assert find_school("Hill", district="harbour") == one


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-01", datetime(2026, 3, 1, 22, 59, 59, 999999, tzinfo=UTC)),
        ("2025-07-01", datetime(2025, 7, 1, 21, 59, 59, 999999, tzinfo=UTC)),
        ("2026-03-02", NOW),  # today ends now
        ("2026-03-02T12:30", datetime(2026, 3, 2, 11, 30, tzinfo=UTC)),
        ("2026-03-02T11:30Z", datetime(2026, 3, 2, 11, 30, tzinfo=UTC)),
        ("2026-03-02T11:30:15.5-01:00", datetime(2026, 3, 2, 12, 30, 15, 500000, tzinfo=UTC)),
    ],
)
def test_a_day_ends_where_the_district_is_and_an_instant_is_taken_as_written(text, instant):
    later = datetime(2026, 3, 2, 12, 31, tzinfo=UTC) if instant > NOW else NOW

    assert find_instant(text, zone=MADRID, now=later) == instant


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "", "3", "2026-03-02 at noon"])
def test_what_is_no_day_and_no_instant_is_refused(text):
    with pytest.raises(NotAnInstant, match="is no day and no instant"):
        find_instant(text, zone=MADRID, now=NOW)


@pytest.mark.parametrize("text", ["2026-03-03", "2026-03-02T13:00:01", "9999-12-31"])
def test_the_future_is_refused(text):
    with pytest.raises(NotAnInstant, match=r"future|no day"):
        find_instant(text, zone=MADRID, now=NOW)
