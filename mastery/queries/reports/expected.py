"""
Who is expected to master what at a school, counted with where they stand.

A school of 2,000 students and 400 competencies expects 800,000 pairs, most of them several
times over: by the grade, the course, the section. So pairs are never listed. Competencies that
the same sections, grades and students are to work on are alike; the students of those are told
apart once, and then every pair of the two is expected once.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from competencies.models import Competency, Expectation
from students.models import Enrollment, School, SchoolEnrollment
from students.models.relationships import in_force
from students.permissions.relations import same_person

BY = ("competency", "grade", "section")

Unit = tuple[str, Any]  # ("section", id), ("grade", name) or ("student", id)
Key = Any  # of a row: a competency's id, a grade, a section's id; None: no section
_ZONE = "district__time_zone"


@dataclass(frozen=True, slots=True)
class Alike:
    """
    Competencies and students of whom every pair is expected; no pair is in two of one row.

    ``row`` is the key of their row, None where each competency is a row of its own.
    """

    row: Key
    competencies: tuple[int, ...]
    students: tuple[int, ...]

    @property
    def pairs(self) -> int:
        return len(self.competencies) * len(self.students)


@dataclass(frozen=True, slots=True)
class Counted:
    """So many pairs of one row that stand alike; levels are positions in the version's scale."""

    key: Key
    decision: str
    basis: str
    shown_level: int | None
    policy_version: int | None
    pairs: int
    refresh_due: int
    look_again: int


@dataclass(frozen=True, slots=True)
class Attendance:
    """Who is at a school at an instant: units with their students, and each student's grade."""

    members: Mapping[Unit, frozenset[int]]
    grades: Mapping[int, str]
    courses: Mapping[int, frozenset[int]]  # course → its sections that anybody sits in


def attendance(school: School, at: datetime, *, grade: str | None) -> Attendance:
    """
    Return who is at ``school`` at ``at``, by the day in the district's time zone; two queries.

    Enrolled in the school or in one of its sections; a duplicate is the student it was merged
    into. The grade is that of the newest enrolment, "" without one; ``grade`` keeps one.
    """
    enrolled = SchoolEnrollment.objects.filter(in_force(_ZONE, at), school=school)
    seats = Enrollment.objects.filter(in_force(_ZONE, at), section__school=school)
    attends = list(
        enrolled.order_by("starts_on", "pk").values_list(same_person("student__"), "grade")
    )
    sits = list(seats.values_list(same_person("student__"), "section", "section__course"))
    grades = dict.fromkeys((student for student, _, _ in sits), "") | dict(attends)
    grades = {one: of for one, of in grades.items() if grade in {None, of}}
    members: dict[Unit, set[int]] = defaultdict(set)
    courses: dict[int, set[int]] = defaultdict(set)
    for student, of in attends:
        members["grade", of].add(student)
    for student, section, course in sits:
        members["section", section].add(student)
        courses[course].add(section)
    for student in grades:
        members["student", student].add(student)
    present = {unit: frozenset(students & grades.keys()) for unit, students in members.items()}
    return Attendance(
        members={unit: students for unit, students in present.items() if students},
        grades=grades,
        courses={course: frozenset(sections) for course, sections in courses.items()},
    )


def wishes(
    school: School, day: date, present: Attendance, competencies: "QuerySet[Competency]"
) -> dict[int, set[Unit]]:
    """Return the units at ``school`` that work on each competency on ``day``; one query."""
    rows = Expectation.objects.filter(
        Q(school__isnull=True) | Q(school=school),
        Q(ends_on__isnull=True) | Q(ends_on__gt=day),
        district=school.district_id,
        starts_on__lte=day,
        competency__in=competencies,
    )
    found: dict[int, set[Unit]] = defaultdict(set)
    for competency, course, section, grade, student in rows.values_list(
        "competency", "course", "section", "grade", same_person("student__")
    ):
        units: set[Unit] = {("section", one) for one in present.courses.get(course, ())}
        units |= {("section", section), ("grade", grade), ("student", student)}
        found[competency] |= units & present.members.keys()
    return {competency: units for competency, units in found.items() if units}


def alike(by: str, wished: Mapping[int, Collection[Unit]], present: Attendance) -> list[Alike]:
    """Return everything that is expected, by what makes a row."""
    together: dict[tuple[Key, frozenset[Unit]], list[int]] = defaultdict(list)
    for competency, units in wished.items():
        for key, of_row in _parted(by, units).items():
            together[key, frozenset(of_row)].append(competency)
    found = []
    for (key, units), shared in together.items():
        students = {student for unit in units for student in present.members[unit]}
        for row, pupils in _by_row(by, key, students, present).items():
            found.append(Alike(row, tuple(shared), tuple(sorted(pupils))))
    return found


def _parted(by: str, units: Collection[Unit]) -> dict[Key, Collection[Unit]]:
    """Part units into rows: each section its own, what no section expects together."""
    if by != "section":
        return {None: units}
    parted: dict[Key, list[Unit]] = defaultdict(list)
    for unit in units:
        parted[unit[1] if unit[0] == "section" else None].append(unit)
    return dict(parted)


def _by_row(
    by: str, key: Key, students: Collection[int], present: Attendance
) -> Mapping[Key, Collection[int]]:
    if by != "grade":
        return {key: students}
    parted: dict[Key, list[int]] = defaultdict(list)
    for student in students:
        parted[present.grades[student]].append(student)
    return parted


def expected_pairs(by: str, expected: Collection[Alike]) -> dict[Key, int]:
    """Return how many pairs each row expects."""
    found: dict[Key, int] = defaultdict(int)
    for one in expected:
        if by == "competency":
            for competency in one.competencies:
                found[competency] += len(one.students)
        else:
            found[one.row] += one.pairs
    return dict(found)


def standing_pairs(by: str, expected: list[Alike], day: date) -> list[Counted]:
    """
    Return the expected pairs that have a state, by how they stand; one query.

    Its cost follows the states of the students there are, and not the evidence behind them.
    """
    students = sorted({student for one in expected for student in one.students})
    key = "part.competency" if by == "competency" else "pupil.place"
    with transaction.atomic(), connection.cursor() as cursor:
        # Look each state up once, in the order written. Left alone, the planner lists all pairs
        # and gathers the states to meet them, and compiles for longer than it then runs.
        cursor.execute("SET LOCAL join_collapse_limit = 1; SET LOCAL jit = off")
        sql = _STATES.format(key=key, expected=_IN_SEVERAL if by == "section" else _IN_ONE)
        cursor.execute(sql, [day, *_arrays(by, expected), students])
        rows = cursor.fetchall()
        # Whoever called within a transaction gets the planner back as it was.
        cursor.execute("SET LOCAL join_collapse_limit TO DEFAULT; SET LOCAL jit TO DEFAULT")
    if by == "competency":
        return [Counted(*row) for row in rows]
    return [Counted(expected[place].row, *rest) for place, *rest in rows]


def waiting_pairs(expected: list[Alike]) -> tuple[int, int]:
    """Return how many expected pairs are updating and how many are paused; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, _arrays("competency", expected))
        updating, paused = cursor.fetchone()
    return updating, paused


def _arrays(by: str, expected: list[Alike]) -> list[list[int]]:
    """
    Return competencies with their parts, and students of parts with their places in ``expected``.

    A part is what some competencies share. Grades part students and never competencies, so that
    rows by grade share their parts.
    """
    numbers: dict[tuple[Key, tuple[int, ...]], int] = {}
    pupils: dict[int, int] = {}
    for place, one in enumerate(expected):
        row = None if by == "grade" else one.row
        number = numbers.setdefault((row, one.competencies), len(numbers))
        pupils |= {number << 32 | student: place for student in one.students}
    parts = [(one, number) for (_, of_part), number in numbers.items() for one in of_part]
    return [
        [competency for competency, _ in parts],
        [number for _, number in parts],
        list(pupils.keys()),
        list(pupils.values()),
    ]


# Grouped by one column each, so that the planner knows that a state meets one row of them.
_EXPECTED = """
JOIN (SELECT competency, {numbers} AS numbers
      FROM unnest(%s::int[], %s::int[]) AS of_part (competency, number)
      GROUP BY competency) AS part ON part.competency = row.competency_id
{each}
JOIN (SELECT key, min(place) AS place
      FROM unnest(%s::bigint[], %s::int[]) AS of_pupil (key, place)
      GROUP BY key) AS pupil ON pupil.key = {number}::bigint << 32 | row.student_id
"""
# Only sections have a competency in several parts.
_IN_ONE = _EXPECTED.format(numbers="min(number)", each="", number="part.numbers")
_IN_SEVERAL = _EXPECTED.format(
    numbers="array_agg(number)",
    each="CROSS JOIN unnest(part.numbers) AS number",
    number="number",
)
_STATES = """
SELECT {key}, row.decision, row.basis, row.shown_level, row.policy_version_id, count(*),
       count(*) FILTER (WHERE row.decision = 'mastered' AND row.refresh_on <= %s),
       count(*) FILTER (WHERE row.decision = 'mastered' AND row.look_again_on IS NOT NULL)
FROM mastery_masterystate AS row
{expected}
WHERE row.student_id = ANY (%s)
GROUP BY 1, 2, 3, 4, 5
"""
_WAITING = f"""
SELECT count(*) FILTER (WHERE row.quarantined_at IS NULL),
       count(*) FILTER (WHERE row.quarantined_at IS NOT NULL)
FROM mastery_recomputerequest AS row
{_IN_ONE}
"""  # noqa: S608  (constants of this file)
