"""Exporting a district's roster: the state of one instant, whole or not at all."""

from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from students.actions.roster.importing import NoDistrict
from students.models import District
from students.oneroster.columns import Version
from students.oneroster.writer import write_package
from students.queries.roster import made_here
from students.queries.roster_export import RosterExport


@dataclass(frozen=True, slots=True)
class Exported:
    """Rows written by file, and rows left out because no roster brought them."""

    written: dict[str, int]
    left_out: dict[str, int]


@transaction.atomic
def export_roster(*, path: Path, district_code: str, version: Version = "1.2") -> Exported:
    """
    Write the district's roster to ``path``, a .zip or a folder that is not there yet.

    Waits for a running import, so that no row refers to one that the export has not seen.

    :raises NoDistrict: if there is no such district.
    :raises ExportRefused: if something is at ``path``.
    """
    district = District.objects.select_for_update(no_key=True).filter(code=district_code).first()
    if district is None:
        raise NoDistrict(f"There is no district {district_code}.")
    written = write_package(path, version, RosterExport(district, version).files())
    return Exported(written, made_here(district))
