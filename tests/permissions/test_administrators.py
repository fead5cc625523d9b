"""Frameworks, policies and expectations are the district's to keep."""

from datetime import UTC, datetime

import pytest

from competencies import permissions
from students.permissions import NotAllowed
from tests import factories as make

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)

CHECKS = [
    lambda user, district: permissions.check_can_edit_framework(
        user, framework_district=district, at=NOW
    ),
    lambda user, district: permissions.check_can_place_policy(user, district=district, at=NOW),
    lambda user, district: permissions.check_can_set_expectations(user, district=district, at=NOW),
]


def holder(district, role):
    granted_by = make.make_user(district=district)
    return make.make_role(district=district, role=role, granted_by=granted_by).user


@pytest.mark.parametrize("check", CHECKS)
def test_the_district_administrator_and_the_operator_may(check):
    district = make.make_district()

    check(holder(district, "district_administrator"), district)
    check(None, district)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("role", ["administrator", "principal", "registrar"])
def test_nobody_of_a_school_may(check, role):
    district = make.make_district()

    with pytest.raises(NotAllowed):
        check(holder(district, role), district)


@pytest.mark.parametrize("check", CHECKS)
def test_the_administrator_of_another_district_may_not(check):
    with pytest.raises(NotAllowed):
        check(holder(make.make_district(), "district_administrator"), make.make_district())


def test_a_published_framework_is_seen_by_all_and_changed_by_the_operator_alone():
    district = make.make_district()
    user = holder(district, "district_administrator")
    published = make.make_framework()
    own = make.make_framework(district=district)
    make.make_framework(district=make.make_district())

    assert set(permissions.frameworks_visible_to(user, NOW)) == {published, own}
    assert list(permissions.frameworks_editable_by(user, NOW)) == [own]
    permissions.check_can_edit_framework(None, framework_district=None, at=NOW)
    with pytest.raises(NotAllowed):
        permissions.check_can_edit_framework(user, framework_district=None, at=NOW)


def test_somebody_deactivated_sees_no_framework_either():
    make.make_framework()
    user = make.make_user(is_active=False)

    assert not permissions.frameworks_visible_to(user, NOW).exists()


def test_the_presets_are_nobodys_to_change():
    district = make.make_district()
    own = make.make_policy(district=district)

    editable = permissions.policies_editable_by(holder(district, "district_administrator"), NOW)

    assert list(editable) == [own]
