"""What the district holds of its roster, for a package to refer to and an export to count."""

from typing import Any

from django.db.models import QuerySet

from students.models import Course, District, School, Section, Term, User
from students.models.fields import FromRoster
from students.oneroster.known import Held, Link

_MODELS: dict[str, type[FromRoster]] = {
    "orgs": School,
    "academicSessions": Term,
    "courses": Course,
    "classes": Section,
    "users": User,
}
_CHUNK = 5000  # rows fetched at a time


class HeldRoster(Held):
    """The district's active roster rows. One query for each file that is asked for."""

    def __init__(self, district: District) -> None:
        self._district = district

    def identifiers(self, file: str) -> set[str]:
        rows = roster_rows(_MODELS[file], self._district).values_list("sourced_id", flat=True)
        return set(rows.iterator(chunk_size=_CHUNK))

    def links(self, file: str) -> dict[str, Link]:
        kind = "org_type" if file == "orgs" else "kind"
        rows = roster_rows(_MODELS[file], self._district)
        return {
            key: Link(kind, parent or "")
            for key, kind, parent in rows.values_list("sourced_id", kind, "parent__sourced_id")
        }


def org_kinds(district: District) -> dict[str, str]:
    """Return what each organisation of the roster is: a school, a district. One query."""
    return {key: link.kind for key, link in HeldRoster(district).links("orgs").items()}


def made_here(district: District) -> dict[str, int]:
    """Count the rows that no roster brought, and that an export therefore leaves out."""
    counts = {
        file: _everything(model).filter(district=district, sourced_id="").count()
        for file, model in _MODELS.items()
    }
    return {file: count for file, count in counts.items() if count}


def roster_rows(model: type[FromRoster], district: District) -> QuerySet[Any]:
    """Return the rows that a roster brought and that have not been deactivated."""
    rows: QuerySet[Any] = _everything(model).filter(district=district, deactivated_at__isnull=True)
    return rows.exclude(sourced_id="")


def _everything(model: type[FromRoster]) -> Any:
    # The district is a column of every such model, though not of what they have in common.
    return model._base_manager.all()
