"""A district's roster, in from a OneRoster package and out to one."""

from students.actions.roster.exporting import export_roster
from students.actions.roster.importing import (
    NoDistrict,
    Outcome,
    RosterHeld,
    import_roster,
)

__all__ = ["NoDistrict", "Outcome", "RosterHeld", "export_roster", "import_roster"]
