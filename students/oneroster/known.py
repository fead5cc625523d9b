"""What rows may refer to: what the package brings, and what the product holds already."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from students.oneroster.manifest import Mode
from students.oneroster.tables import Table


@dataclass(frozen=True, slots=True)
class Link:
    """An organisation or session: what it is and what it belongs to, "" for nothing."""

    kind: str
    parent: str


class Held:
    """
    What the product already holds of a roster, for a delta to refer to; here nothing.

    ``identifiers`` are those of a file that are there now; ``links`` those of orgs or
    academicSessions. Asked at most once a file.
    """

    def identifiers(self, file: str) -> set[str]:  # noqa: ARG002
        return set()

    def links(self, file: str) -> dict[str, Link]:  # noqa: ARG002
        return {}


class Known:
    """Which identifiers of a file may be referred to, from the package or from what is held."""

    def __init__(
        self, tables: Mapping[str, Table], modes: Callable[[str], Mode], held: Held
    ) -> None:
        self._tables = tables
        self._modes = modes
        self._held = held
        self._identifiers: dict[str, set[str] | None] = {}
        self._links: dict[str, dict[str, Link]] = {}

    @property
    def tables(self) -> Mapping[str, Table]:
        return self._tables

    def is_there(self, file: str) -> bool:
        return self._modes(file) != "absent"

    def identifiers(self, file: str) -> set[str] | None:
        """Return them, or None where the file could not be read and nothing can be said."""
        if file not in self._identifiers:
            self._identifiers[file] = self._find(file)
        return self._identifiers[file]

    def _find(self, file: str) -> set[str] | None:
        table = self._tables.get(file)
        if table is None:
            # Declared, yet not there: that has been said.
            return set(self._held.identifiers(file)) if not self.is_there(file) else None
        if not table.is_sound:
            return None
        found = {row.key for row in table.staying}
        if table.mode == "delta":
            found |= self._held.identifiers(file) - {row.key for row in table.leaving}
        return found

    def links(self, file: str) -> dict[str, Link]:
        """Return the organisations or sessions there will be, those held included in a delta."""
        if file not in self._links:
            table = self._tables.get(file)
            is_bulk = table is not None and table.mode == "bulk"
            found = {} if is_bulk else dict(self._held.links(file))
            for row in table.staying if table else ():
                found[row.key] = Link(row["type"], row["parentSourcedId"])
            self._links[file] = found
        return self._links[file]

    def kind(self, file: str, identifier: str) -> str | None:
        link = self.links(file).get(identifier)
        return link.kind if link else None


def student_keys(tables: Mapping[str, Table]) -> set[str]:
    """Return who learns: by a role, or by being in a class as a student."""
    found: set[str] = set()
    for file in ("roles", "enrollments"):
        if file in tables:
            found.update(
                row["userSourcedId"] for row in tables[file].staying if row["role"] == "student"
            )
    users = tables.get("users")
    if users is not None and any(column.name == "role" for column in users.columns):
        found.update(row.key for row in users.staying if row["role"] == "student")
    return found
