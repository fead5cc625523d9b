"""A scope, a check: one query, for one student and for thirty."""

from datetime import UTC, datetime

import pytest

from assessments import permissions as assessments
from mastery import permissions as mastery
from students import permissions as students
from tests import factories as make
from tests.permissions.test_scopes import CLAIMS

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(params=[1, 30], ids="class of {}".format)
def taught(request):
    """A teacher, who is principal and parent too, and the class with a rating of each."""
    section = make.make_section()
    teacher = make.make_teaching(section=section).user
    make.make_role(school=section.school, user=teacher)
    ratings = []
    for _ in range(request.param):
        student = make.make_enrollment(section=section).student
        make.make_state(student=student)
        ratings.append(make.make_rating(student=student))
    make.make_guardianship(user=teacher, student=student)
    return teacher, ratings


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.scope.__name__)
def test_a_scope_costs_one_query(taught, claim, django_assert_num_queries):
    teacher, _ratings = taught

    with django_assert_num_queries(1):
        list(claim.scope(teacher, NOW))


def test_a_check_costs_one_query(taught, django_assert_num_queries):
    teacher, ratings = taught
    pupils = [rating.student_id for rating in ratings]

    with django_assert_num_queries(1):
        assessments.check_can_record(teacher, pupils, NOW)
    with django_assert_num_queries(1):
        assessments.records_as_substitute(teacher, pupils, NOW)
    with django_assert_num_queries(1):
        students.can_view_student(teacher, ratings[0].student, NOW)
    with django_assert_num_queries(1):
        mastery.can_judge(teacher, pupils[0], NOW)
