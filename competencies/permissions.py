"""Who may see and keep frameworks, policies and expectations."""

from datetime import datetime

from django.db.models import Exists, Q, QuerySet
from django.utils.translation import gettext as _

from competencies.models import Framework, Policy
from students.models import District, User
from students.permissions import NotAllowed, can_administer, districts_administered_by
from students.permissions.relations import active_person


def frameworks_visible_to(user: User | None, at: datetime) -> QuerySet[Framework]:
    """Return the published frameworks and those of the person's district. One query."""
    if user is None:
        return Framework.objects.all()
    people = User.objects.filter(active_person(at), pk=user.pk)
    own_district = Q(district__in=people.values("district"))
    return Framework.objects.filter(own_district | _published(people))


def _published(people: QuerySet[User]) -> Q:
    return Q(district__isnull=True) & Q(Exists(people))


def frameworks_editable_by(user: User | None, at: datetime) -> QuerySet[Framework]:
    """Return the frameworks of the districts ``user`` administers; published ones are nobody's."""
    if user is None:
        return Framework.objects.all()
    return Framework.objects.filter(district__in=districts_administered_by(user, at).values("pk"))


def policies_editable_by(user: User | None, at: datetime) -> QuerySet[Policy]:
    """Return the policies of the districts that ``user`` administers; the presets are nobody's."""
    if user is None:
        return Policy.objects.all()
    return Policy.objects.filter(district__in=districts_administered_by(user, at).values("pk"))


def check_can_edit_framework(
    user: User | None, *, framework_district: District | None, at: datetime
) -> None:
    """:raises NotAllowed: unless ``user`` may edit the frameworks of the district."""
    message = _("Only an administrator of the district can change its frameworks.")
    _check_administers(user, framework_district, at, message)


def check_can_place_policy(user: User | None, *, district: District, at: datetime) -> None:
    """:raises NotAllowed: unless ``user`` may say which policy applies in ``district``."""
    message = _("Only an administrator of the district can say where a policy applies.")
    _check_administers(user, district, at, message)


def check_can_set_expectations(user: User | None, *, district: District, at: datetime) -> None:
    """:raises NotAllowed: unless ``user`` may say who in ``district`` works on what."""
    message = _("Only an administrator of the district can say who works on what.")
    _check_administers(user, district, at, message)


def _check_administers(
    user: User | None, district: District | None, at: datetime, message: str
) -> None:
    # What belongs to no district comes with the product: the operator's alone.
    if user is not None and (district is None or not can_administer(user, district, at)):
        raise NotAllowed(message)
