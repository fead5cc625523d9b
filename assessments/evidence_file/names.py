"""What the cells of a file name in one district: students, competencies, people, rules."""

import zoneinfo
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Max, Q

from assessments.evidence_file.columns import WrongCell
from competencies.models import Competency, PolicyVersion
from competencies.queries.policies import InForce, policy_timelines
from students.models import District, Student, User

AMBIGUOUS = -1
MOST_PINS = 100_000


@dataclass(frozen=True, slots=True)
class Pinned:
    """The policy version that judges work of a day, its scale and the scale's highest points."""

    version_id: int
    scale_id: int
    top: int  # hundredths


class Names:
    """
    Look-ups for one district, loaded once.

    Memory grows with the people and competencies of the district, not with the file.
    """

    def __init__(self, district: District, today: date) -> None:
        self.today = today
        self._zone = zoneinfo.ZoneInfo(district.time_zone)
        self._students = _students(district)
        self._competencies = _competencies(district)
        self._assessors = _assessors(district)
        # All of them now: while rows are copied in, the connection answers no question.
        self._timelines = policy_timelines(
            district.pk, {number for number in self._competencies.values() if number > 0}
        )
        self._versions = _pinned(self._timelines)
        self._pins: dict[tuple[int, date], Pinned] = {}

    def student(self, text: str) -> int:
        """Return the student with this roster identifier or number."""
        return _only(self._students, text, "student", "its roster identifier")

    def competency(self, text: str) -> int:
        """Return the rated competency with this CASE identifier, source identifier or code."""
        number = self._competencies.get(text) or self._competencies.get(text.lower())
        if number is None:
            raise WrongCell(
                f"There is no competency “{text}” that can be rated. Check the code, or whether "
                "its framework was imported; headings and retired competencies take no ratings."
            )
        if number == AMBIGUOUS:
            raise WrongCell(
                f"Several competencies have the code “{text}”. Write the CASE identifier instead."
            )
        return number

    def assessor(self, text: str) -> int | None:
        """Return the person with this sign-in name, username or roster identifier."""
        return _only(self._assessors, text, "person", "the sign-in name") if text else None

    def rates(self, competency: int) -> bool:
        """Test if the competency can be rated now; a retired one keeps what it was judged by."""
        return competency in self._timelines

    def pinned(self, competency: int, day: date) -> Pinned:
        """Return what judges work of ``day`` on a competency."""
        found = self._pins.get((competency, day))
        if found is None:
            if len(self._pins) >= MOST_PINS:  # a file may name more days than are worth keeping
                self._pins.clear()
            found = self._pins[competency, day] = self._versions[self._version(competency, day)]
        return found

    def _version(self, competency: int, day: date) -> int:
        later = self._timelines[competency][1:]
        end = datetime.combine(day + timedelta(days=1), time.min, self._zone)
        starts = [entry.starts_at for entry in later if entry.starts_at is not None]
        return self._timelines[competency][bisect_left(starts, end)].version_id


def _pinned(timelines: Mapping[int, tuple[InForce, ...]]) -> dict[int, Pinned]:
    used = {entry.version_id for entries in timelines.values() for entry in entries}
    rows = PolicyVersion.objects.filter(pk__in=used).annotate(top=Max("scale__levels__points"))
    return {row.pk: Pinned(row.pk, row.scale_id, row.top) for row in rows}


def _only(found: Mapping[str, int], text: str, what: str, instead: str) -> int:
    number = found.get(text)
    if number is None:
        raise WrongCell(f"There is no {what} “{text}” in this district.")
    if number == AMBIGUOUS:
        raise WrongCell(f"“{text}” names more than one {what}. Write {instead} instead.")
    return number


def _add(found: dict[str, int], text: str, number: int) -> None:
    if text:
        found[text] = number if found.get(text, number) == number else AMBIGUOUS


def _students(district: District) -> dict[str, int]:
    found: dict[str, int] = {}
    rows = Student.objects.filter(district=district).values_list(
        "pk", "merged_into_id", "number", "user__sourced_id"
    )
    for pk, merged_into, number, sourced in rows.iterator():
        _add(found, number, merged_into or pk)
        _add(found, sourced, merged_into or pk)
    return found


def _competencies(district: District) -> dict[str, int]:
    found: dict[str, int] = {}
    rows = Competency.objects.filter(
        Q(framework__district=None) | Q(framework__district=district),
        is_rated=True,
        retired_at__isnull=True,
    ).values_list("pk", "identifier", "external_id", "code")
    for pk, identifier, external, code in rows.iterator():
        for text in (str(identifier), external, code):
            _add(found, text, pk)
    return found


def _assessors(district: District) -> dict[str, int]:
    found: dict[str, int] = {}
    rows = User.objects.filter(district=district, student__isnull=True).values_list(
        "pk", "sign_in_name", "username", "sourced_id"
    )
    for pk, *texts in rows.iterator():
        for text in texts:
            _add(found, text, pk)
    return found
