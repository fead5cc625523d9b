"""A factory whose row the database refuses would fail somebody else's test."""

import pytest
from django.apps import apps

from tests import factories

pytestmark = pytest.mark.django_db

OURS = ("students", "competencies", "assessments", "mastery")
BY_MODEL = {
    made_by._meta.model: made_by
    for made_by in vars(factories).values()
    if isinstance(made_by, type)
    and issubclass(made_by, factories.DjangoModelFactory)
    and not made_by._meta.abstract
}
# Made with the row they belong to, or by the database itself.
MADE_WITH_ANOTHER = {"students.StudentLock", "assessments.AssessmentCompetency"}


@pytest.mark.parametrize("made_by", BY_MODEL.values(), ids=lambda made_by: made_by.__name__)
def test_two_rows_by_default_are_valid(made_by):
    made_by.create()
    made_by.create()


def test_every_model_has_a_factory():
    models = {model for app in OURS for model in apps.get_app_config(app).get_models()}

    without = {model._meta.label for model in models - BY_MODEL.keys()}

    assert without == MADE_WITH_ANOTHER


def test_what_is_made_along_is_in_the_same_district():
    district = factories.make_district()
    student = factories.make_student(district=district)

    enrollment = factories.make_enrollment(student=student)
    rating = factories.make_rating(student=student)

    assert enrollment.section.course.school.district == district
    assert rating.evidence.district == district
