"""The mastery report of a school: every expected pair, by where it stands."""

from __future__ import annotations

import shlex
import zoneinfo
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from competencies.models import Competency, Level, PolicyVersion
from competencies.queries.clock import database_clock
from competencies.queries.policies import policy_timelines
from mastery.queries.reports.expected import (
    Counted,
    Key,
    alike,
    attendance,
    expected_pairs,
    standing_pairs,
    waiting_pairs,
    wishes,
)
from students.models import School, Section

if TYPE_CHECKING:
    from django.db.models import QuerySet

NO_LEVEL = ""  # where nothing shows a level: below the lowest, or decided by parts


class NothingExpected(Exception):
    """Nobody is expected to work on anything there. Fit to show; says what to do."""


@dataclass(slots=True)
class Tally:
    """
    Pairs by where they stand: each is in one of these, but for the last two, which are marks.

    ``not_yet`` is by the name of the level shown.
    """

    expected: int = 0
    no_evidence: int = 0
    not_yet: dict[str, int] = field(default_factory=dict)
    described: int = 0  # by a policy that only describes
    awaiting_confirmation: int = 0
    mastered_here: int = 0
    mastered_by_override: int = 0
    prior_standing: int = 0
    refresh_due: int = 0
    look_again: int = 0

    @property
    def mastered_percent(self) -> Decimal | None:
        """
        Return the share mastered, in percent with one decimal; None where nothing is expected.

        Prior standing was not mastered here. Rounded half up, but never to 0 or 100 where it is
        not exactly that: "all" and "nobody" are said only when they are true.
        """
        if not self.expected:
            return None
        mastered = self.mastered_here + self.mastered_by_override
        exact = Decimal(100 * mastered) / self.expected
        rounded = exact.quantize(Decimal("0.1"), ROUND_HALF_UP)
        if 0 < mastered < self.expected:
            return min(max(rounded, Decimal("0.1")), Decimal("99.9"))
        return rounded

    def add(self, counted: Counted, level: str) -> None:
        """Count pairs that have a state; what has none is left in ``no_evidence``."""
        self.refresh_due += counted.refresh_due
        self.look_again += counted.look_again
        name = _place(counted)
        if name == "not_yet":
            self.not_yet[level] = self.not_yet.get(level, 0) + counted.pairs
        elif name != "no_evidence":
            setattr(self, name, getattr(self, name) + counted.pairs)
        if name != "no_evidence":
            self.no_evidence -= counted.pairs


def _place(counted: Counted) -> str:
    if counted.decision == "mastered":
        by = {"override": "mastered_by_override", "prior_standing": "prior_standing"}
        return by.get(counted.basis, "mastered_here")
    return "described" if counted.decision == "none" else counted.decision


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report: what it is about, and its figures."""

    id: str
    code: str
    name: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class MasteryReport:
    """
    The expected pairs of a school on ``day``, by where they stand.

    ``levels`` are the names under which "not yet" is told, lowest first; ``policies`` the rules
    in force for what is reported; ``updating`` and ``paused`` pairs that wait in the queue. By
    section a pair can be in several rows and is once in the total.
    """

    school: School
    at: datetime
    day: date
    by: str
    grade: str | None
    students: int
    competencies: int
    levels: tuple[str, ...]
    rows: tuple[Row, ...]
    total: Tally
    updating: int
    paused: int
    policies: tuple[str, ...]


def mastery_report(
    school: School,
    *,
    by: str = "competency",
    grade: str | None = None,
    competencies: QuerySet[Competency] | None = None,
) -> MasteryReport:
    """
    Return the mastery report of ``school`` now, by one of BY.

    ``competencies`` are those to look at, else all that are in use. The day is the district's.
    About a dozen queries, whatever the numbers; their cost follows the states of the
    school's students, and not the evidence ever recorded.

    :raises NothingExpected: if there is no pair to report on.
    """
    at = database_clock()
    day = at.astimezone(zoneinfo.ZoneInfo(school.district.time_zone)).date()
    among = Competency.objects.all() if competencies is None else competencies
    present = attendance(school, at, grade=grade)
    wished = wishes(school, day, present, among.filter(retired_at__isnull=True))
    expected = alike(by, wished, present)
    if not expected:
        raise NothingExpected(_nothing(school, at, grade, narrowed=competencies is not None))
    counted = standing_pairs(by, expected, day)
    per_row = expected_pairs(by, expected)
    once = expected if by != "section" else alike("competency", wished, present)
    whole = counted if by != "section" else standing_pairs("competency", once, day)
    versions = _versions(school, wished, at, counted)
    levels = _Levels(versions)
    updating, paused = waiting_pairs(once)
    return MasteryReport(
        school=school,
        at=at,
        day=day,
        by=by,
        grade=grade,
        students=len({student for one in once for student in one.students}),
        competencies=len(wished),
        levels=levels.names,
        rows=_rows(by, per_row, counted, levels),
        total=levels.tally(sum(one.pairs for one in once), whole),
        updating=updating,
        paused=paused,
        policies=tuple(sorted({str(one) for one in versions.in_force})),
    )


@dataclass(frozen=True, slots=True)
class _Versions:
    known: Mapping[int, PolicyVersion]
    in_force: Collection[PolicyVersion]


def _versions(
    school: School, competency_ids: Collection[int], at: datetime, counted: Collection[Counted]
) -> _Versions:
    """Return the versions in force for the competencies, and those that judged the states."""
    now = {
        next(
            entry.version_id
            for entry in reversed(timeline)
            if entry.starts_at is None or entry.starts_at <= at
        )
        for timeline in policy_timelines(school.district_id, competency_ids).values()
    }
    wanted = now | {one.policy_version for one in counted if one.policy_version is not None}
    known = PolicyVersion.objects.select_related("policy").in_bulk(wanted)
    return _Versions(known, [known[number] for number in sorted(now)])


class _Levels:
    """The names of the levels, of every scale that is in use."""

    def __init__(self, versions: _Versions) -> None:
        scales = {number: version.scale_id for number, version in versions.known.items()}
        rows = Level.objects.filter(scale__in=set(scales.values())).order_by("position", "scale")
        of_scale = {(row.scale_id, row.position): row.name for row in rows}
        self._names = {
            (number, position): name
            for number, scale in scales.items()
            for (of, position), name in of_scale.items()
            if of == scale
        }
        self.names = (NO_LEVEL, *dict.fromkeys(of_scale.values()))

    def tally(self, expected: int, counted: Collection[Counted]) -> Tally:
        tally = Tally(expected=expected, no_evidence=expected, not_yet=dict.fromkeys(self.names, 0))
        for one in counted:
            tally.add(one, self._name(one))
        return tally

    def _name(self, one: Counted) -> str:
        if one.shown_level is None or one.policy_version is None:
            return NO_LEVEL
        return self._names.get((one.policy_version, one.shown_level), NO_LEVEL)


def _rows(
    by: str, expected: Mapping[Key, int], counted: Collection[Counted], levels: _Levels
) -> tuple[Row, ...]:
    standing: dict[Key, list[Counted]] = {key: [] for key in expected}
    for one in counted:
        standing[one.key].append(one)
    titles = _TITLES[by](expected.keys())
    return tuple(
        Row(*title, levels.tally(expected[key], standing[key])) for key, title in titles.items()
    )


Title = tuple[str, str, str]  # id, code, name


def _competencies(keys: Collection[Key]) -> dict[Key, Title]:
    rows = Competency.objects.filter(pk__in=keys).order_by("framework", "code", "pk")
    return {row.pk: (str(row.identifier), row.code, row.statement) for row in rows}


def _grades(keys: Collection[Key]) -> dict[Key, Title]:
    return {
        grade: (grade, grade, _("Grade {grade}").format(grade=grade) if grade else _("No grade"))
        for grade in sorted(keys)
    }


def _sections(keys: Collection[Key]) -> dict[Key, Title]:
    rows = Section.objects.filter(pk__in=[key for key in keys if key]).order_by("title", "pk")
    found: dict[Key, Title] = {row.pk: (str(row.public_id), row.code, row.title) for row in rows}
    if None in keys:
        found[None] = ("", "", _("Expected of a grade or a student"))
    return found


_TITLES = {"competency": _competencies, "grade": _grades, "section": _sections}


def _nothing(school: School, at: datetime, grade: str | None, *, narrowed: bool) -> str:
    grades = sorted(set(attendance(school, at, grade=None).grades.values()) - {""})
    if not grades:
        return _("Nobody is enrolled at {school} today. Import the roster first.").format(
            school=school
        )
    if grade is not None and grade not in grades:
        return _("Nobody at {school} is in grade {grade}; the grades there: {grades}.").format(
            school=school, grade=grade, grades=", ".join(grades)
        )
    said = _("Nothing is expected at {school} today").format(school=school)
    if grade is not None or narrowed:
        said = _("Nothing of what was asked for is expected at {school} today").format(
            school=school
        )
    return said + _(
        ". Say who works on what: ./run manage expect --district {district} --school {name} "
        "--grade {grade} --framework all --from DATE"
    ).format(
        district=school.district.code,
        name=school.sourced_id or shlex.quote(school.name),
        grade=grade or grades[0],
    )
