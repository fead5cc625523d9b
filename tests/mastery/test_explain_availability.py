"""Whether a competency is open, and how far what it needs is."""

from datetime import date
from decimal import Decimal

import pytest
from django.utils import timezone

from assessments.actions import NewPiece, NewRating, record_evidence, void_rating
from mastery.actions.drain import drain
from mastery.queries.availability import available, is_earlier
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def school():
    """Ana, and ratios of grade 7 that need fractions of grade 6."""

    class School:
        district = factories.make_district(code="harbour")
        ana = factories.make_student(district=district)
        fractions = factories.make_competency(code="NS.1")
        ratios = factories.make_competency(framework=fractions.framework, code="RP.1")

    factories.make_prerequisite(competency=School.ratios, requires=School.fractions)
    return School


def record(school, *points, competency=None):
    for number in points:
        rating = NewRating(
            competency_id=(competency or school.fractions).pk, points=Decimal(number)
        )
        piece = NewPiece(
            student_id=school.ana.pk,
            ratings=[rating],
            demonstrated_on=date(2026, 3, 2),
            title=f"Task {school.ana.ratings.count()}",
        )
        done = record_evidence(actor=None, district=school.district, pieces=[piece])
    return done.ratings[0]


def told(school, competency=None):
    return available(school.ana, competency or school.ratios, timezone.now())


def test_what_needs_nothing_is_open(school):
    found = told(school, school.fractions)

    assert (found.open, found.opened_at, found.needs, found.sentence) == (True, None, (), "Open")


def test_the_distance_is_what_the_smallest_further_evidence_leaves(school):
    assert told(school).sentence == "Needs NS.1: 0 of 2 at Proficient"

    record(school, 3)
    assert told(school).sentence == "Needs NS.1: 1 of 2 at Proficient"

    record(school, 2)  # two in a row begins anew
    assert told(school).sentence == "Needs NS.1: 0 of 2 at Proficient"


def test_what_was_opened_stays_open_and_says_what_it_would_need(school):
    last = record(school, 3, 3)
    drain()
    opened = told(school)
    void_rating(actor=None, rating_id=last.pk, reason="mistyped")

    found = told(school)

    assert opened.sentence == found.sentence == f"Open since {last.recorded_at:%Y-%m-%d}"
    assert found.open
    assert [need.code for need in found.needs] == ["NS.1"]
    assert opened.needs == ()


def test_a_heading_that_is_needed_counts_its_parts(school):
    heading = factories.make_competency(is_rated=False, code="NS")
    part = factories.make_competency(parent=heading)
    factories.make_competency(parent=heading)
    geometry = factories.make_competency(code="G.1")
    factories.make_prerequisite(competency=geometry, requires=heading)
    record(school, 3, 3, competency=part)
    drain()

    assert told(school, geometry).sentence == "Needs NS: 1 of 2 parts"


def test_a_teachers_word_that_is_missing_is_the_distance(school):
    version = factories.make_policy_version(
        policy=factories.make_policy(district=school.district), confirmation=True
    )
    factories.make_placement(version=version, district=school.district)
    record(school, 3, 3)

    assert told(school).sentence == "Needs NS.1: waiting for a teacher's confirmation"


def test_where_no_evidence_can_help_only_the_name_is_told(school):
    factories.make_judgement(
        student=school.ana, competency=school.fractions, mastered=False, level=2
    )

    [need] = told(school).needs

    assert (need.have, need.need, need.sentence) == (None, None, "NS.1")


def test_an_earlier_grade_counts_as_met_until_evidence_says_otherwise(school):
    for competency, grades in ((school.fractions, ["06"]), (school.ratios, ["07", "08"])):
        competency.grade_levels = grades
        competency.save()

    assert told(school).open

    record(school, 2)

    assert not told(school).open


@pytest.mark.parametrize(
    ("grades", "than", "earlier"),
    [
        (["06"], ["07"], True),
        (["6"], ["07"], True),
        (["K", "01"], ["02"], True),
        (["pk"], ["KG"], True),
        (["06", "07"], ["07"], False),
        (["09"], ["10", "08"], False),
        ([], ["07"], False),
        (["06"], [], False),
        (["UG"], ["07"], False),
        (["06"], ["UG"], False),
    ],
)
def test_a_grade_is_earlier_when_all_of_it_comes_before(grades, than, earlier):
    assert is_earlier(grades, than) is earlier
