"""A small random world: a few schools, people, and relationships of every kind and date."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Model

from assessments.models import Assessment, Evidence, Rating
from competencies.models import Competency, Framework, Policy
from mastery.models import Advancement, MasteryState
from students.models import (
    Caseload,
    Course,
    District,
    Elevation,
    Enrollment,
    Guardianship,
    Restriction,
    School,
    SchoolEnrollment,
    SchoolRole,
    Section,
    Student,
    StudentAttributes,
    TeachingAssignment,
    Term,
    User,
)
from tests.factories import next_id, preset

# Clocks go forward in Madrid and back in Auckland a week later; Los Angeles is half a day away.
AROUND = date(2026, 3, 29)
ZONES = ("Europe/Madrid", "Pacific/Auckland", "America/Los_Angeles")
ROSTER_ROLES = ("principal", "registrar", "administrator", "district_administrator", "nurse")


@dataclass
class World:
    """Rows by kind, each as the database holds it. Rules read these and ask no database."""

    at: datetime = datetime(2026, 3, 29, tzinfo=UTC)
    rows: dict[type[Model], list[Any]] = field(default_factory=dict)
    by_pk: dict[tuple[type[Model], Any], Any] = field(default_factory=dict)

    def of(self, model: type[Model]) -> list[Any]:
        return self.rows[model]

    def get(self, model: type[Model], pk: int) -> Any:
        return self.by_pk[model, pk]


def build(random: Random, *, people: int, students: int, density: int) -> World:
    """Make a world in the database, in bulk; ``density`` is how many relationships of a kind."""
    return _Builder(random, density).build(people, students)


class _Builder:
    def __init__(self, random: Random, density: int) -> None:
        self.random = random
        self.density = density
        self.world = World(at=self._instant())

    def build(self, people: int, students: int) -> World:
        self._schools()
        self._people(people, students)
        self._relationships()
        self._work()
        return self.world

    def _save(self, model: type[Any], rows: list[Any]) -> list[Any]:
        saved = model.objects.bulk_create(rows)
        self.world.rows[model] = saved
        self.world.by_pk |= {(model, row.pk): row for row in saved}
        return saved

    def _pick(self, model: type[Model]) -> Any:
        return self.random.choice(self.world.of(model))

    def _instant(self) -> datetime:
        """An instant, mostly a second beside a midnight where some school is."""
        day = AROUND + timedelta(days=self.random.randint(-1, 1))
        zone = ZoneInfo(self.random.choice(ZONES))
        midnight = datetime.combine(day, time(), zone).astimezone(UTC)
        return midnight + timedelta(seconds=self.random.choice([-1, 0, 1, 40_000]))

    def _instant_or_none(self, days: tuple[int, ...] = (-31, -29, -1, 1)) -> datetime | None:
        if self.random.random() < 0.9:
            return None
        return self.world.at + timedelta(days=self.random.choice(days))

    def _day(self, *choices: int | None) -> date | None:
        offset = self.random.choice(choices)
        return None if offset is None else AROUND + timedelta(days=offset)

    def _dates(self) -> dict[str, Any]:
        starts_on = self._day(None, None, None, None, -60, -3, -1, 0, 1)
        ends_on = self._day(*[None] * 7, -31, -30, -29, -1, 0, 1, 2, 60)
        if starts_on and ends_on and ends_on < starts_on:
            ends_on = starts_on
        gone = self._instant_or_none()
        return {"starts_on": starts_on, "ends_on": ends_on, "deactivated_at": gone}

    def _schools(self) -> None:
        random = self.random
        zones = [random.choice(ZONES) for _ in range(5)]
        districts = [District(code=f"w{n}", name=f"W{n}", time_zone=zones[n]) for n in range(2)]
        north, south = self._save(District, districts)
        schools = [
            School(district=district, name=f"S{n}", time_zone=zones[n + 2])
            for n, district in enumerate([north, north, south])
        ]
        schools = self._save(School, schools)
        courses = [Course(district=s.district, school=s, title="C") for s in schools]
        courses = self._save(Course, courses)
        sections = [
            Section(district=c.district, school=c.school, course=c, title=f"N{n}")
            for n, c in enumerate([courses[0], courses[0], courses[1], courses[2]])
        ]
        self._save(Section, sections)
        terms = [
            Term(
                district=north,
                title=f"T{n}",
                starts_on=AROUND + timedelta(days=random.choice([-90, -20, -2, 0, 1])),
                ends_on=AROUND + timedelta(days=random.choice([2, 3, 90])),
                school_year=2026,
            )
            for n in range(3)
        ]
        self._save(Term, terms)
        through = Section.terms.through
        pairs = [(s, t) for s in self.world.of(Section) for t in terms if random.random() < 0.4]
        self._save(through, [through(section=s, term=t) for s, t in pairs])
        self._save(Framework, [Framework(district=d, title="F") for d in (None, north, south)])
        framework = self.world.of(Framework)[0]
        self._save(Competency, [Competency(framework=framework, statement="Can")])
        self._save(Policy, [Policy(district=d, code="own", name="P") for d in (north, south)])

    def _person(self, name: str, district: District | None) -> User:
        return User(
            sign_in_name=name,
            district=district,
            given_name=name,
            is_active=self.random.random() < 0.93,
            deactivated_at=self._instant_or_none((-1, 1)) if self.random.random() < 0.5 else None,
        )

    def _people(self, people: int, students: int) -> None:
        north, south = self.world.of(District)
        where = [self.random.choice([*[north] * 5, south]) for _ in range(students)]
        others = [self.random.choice([*[north] * 9, south, south, None]) for _ in range(people)]
        users = [self._person(f"p{n}", d) for n, d in enumerate(others)]
        users += [self._person(f"s{n}", d) for n, d in enumerate(where)]
        users = self._save(User, users)
        rows = [
            Student(district=d, user=user) for d, user in zip(where, users[people:], strict=True)
        ]
        rows = self._save(Student, rows)
        self._merge(rows)
        attributes = [
            StudentAttributes(student=s, birth_date=self._born())
            for s in rows
            if self.random.random() < 0.7
        ]
        self._save(StudentAttributes, attributes)

    def _born(self) -> date | None:
        turns_18 = self._day(None, -1, 0, 1, 2, 1000)
        return turns_18 and turns_18.replace(year=turns_18.year - 18)

    def _merge(self, students: list[Student]) -> None:
        """Make some students duplicates of the first of their district."""
        for student in students:
            first = next(s for s in students if s.district_id == student.district_id)
            if student is not first and self.random.random() < 0.15:
                student.merged_into = first
        Student.objects.bulk_update(students, ["merged_into"])

    def _relationships(self) -> None:
        pick, dates = self._pick, self._dates
        role = self.random.choice
        kinds: dict[type[Any], Any] = {
            TeachingAssignment: lambda: {
                "section": pick(Section),
                "role": role(TeachingAssignment.Role.values),
            },
            Enrollment: lambda: {"section": pick(Section), "student": pick(Student)},
            SchoolEnrollment: lambda: {"school": pick(School), "student": pick(Student)},
            SchoolRole: lambda: {
                "school": pick(School),
                "role": role(ROSTER_ROLES),
                "granted_by": role([None, pick(User), pick(User)]),
            },
            Caseload: lambda: {"student": pick(Student), "role": "counsellor"},
            Guardianship: lambda: {"student": pick(Student)},
            Restriction: lambda: {"student": pick(Student), "document": "d"},
        }
        for model, fields in kinds.items():
            rows = []
            for _ in range(self.density // 8 if model is Restriction else self.density):
                values = fields()
                about = values.get("section") or values.get("school") or values["student"]
                district = about.district
                if model not in (Enrollment, SchoolEnrollment):
                    values["user"] = pick(User)
                    # Sometimes a mistaken row, of the person's district and not the student's.
                    if self.random.random() < 0.15:
                        district = values["user"].district or district
                rows.append(model(district=district, **values, **dates()))
            self._save(model, rows)
        self._save(Elevation, [self._elevation() for _ in range(self.density)])

    def _elevation(self) -> Elevation:
        starts_at = self.world.at + timedelta(hours=self.random.choice([-2, -1, 0, 1]))
        ends_at = starts_at + timedelta(hours=self.random.choice([1, 2]))
        administrators = [
            r.user for r in self.world.of(SchoolRole) if r.role == "district_administrator"
        ]
        user = self.random.choice([*administrators, self._pick(User)])
        school = self._pick(School)
        return Elevation(
            district=school.district,
            user=user,
            school=school,
            reason="r",
            starts_at=starts_at,
            ends_at=ends_at,
        )

    def _work(self) -> None:
        """Make evidence, a rating of each piece, a state and an advancement of each student."""
        assessments = [
            Assessment(district=s.district, section=s, title="A") for s in self.world.of(Section)
        ]
        self._save(Assessment, assessments)
        self._save(Evidence, [self._piece() for _ in range(2 * self.density)])
        version = preset()
        self._save(Rating, [self._rating(piece, version) for piece in self.world.of(Evidence)])
        competency = self.world.of(Competency)[0]
        common = {"competency": competency, "basis": "evidence"}
        states = [
            MasteryState(
                student=s,
                district=s.district,
                decision="not_yet",
                inputs_hash=0,
                engine_version=1,
                computed_at=self.world.at,
                **common,
            )
            for s in self.world.of(Student)
        ]
        self._save(MasteryState, states)
        advancements = [
            Advancement(
                student=s, district=s.district, number=1, decided_at=self.world.at, **common
            )
            for s in self.world.of(Student)
        ]
        self._save(Advancement, advancements)

    def _recorder(self) -> User | None:
        """Mostly somebody who once taught, so that what one recorded oneself is seen often."""
        teachers = [row.user for row in self.world.of(TeachingAssignment)]
        return self.random.choice([None, *teachers])

    def _piece(self) -> Evidence:
        student = self._pick(Student)
        enrolled = [
            row.section_id for row in self.world.of(Enrollment) if row.student_id == student.pk
        ]
        sections = enrolled or [self._pick(Section).pk]
        near = [a for a in self.world.of(Assessment) if a.section_id in sections]
        pk = next_id("assessments_evidence")
        recorder = self._recorder()
        confirmed = self.random.choice([None, None, recorder])
        return Evidence(
            id=pk,
            piece=pk,
            position=pk,
            district=student.district,
            student=student,
            assessment=self.random.choice([None, *near, self._pick(Assessment)]),
            demonstrated_on=self._day(-100, -20, -10, -2, -1, 0, 1),
            recorded_at=self.world.at - timedelta(hours=self.random.choice([0, 1, 5, 12, 30])),
            recorded_by=recorder,
            by_substitute=self.random.random() < 0.3,
            confirmed_by=confirmed,
            confirmed_at=self.world.at if confirmed else None,
            released_at=self.random.choice(
                [None, self.world.at, self.world.at + timedelta(seconds=1)]
            ),
        )

    def _rating(self, piece: Evidence, version: Any) -> Rating:
        pk = next_id("assessments_rating")
        voided = self.random.random() < 0.3
        return Rating(
            id=pk,
            chain=pk,
            evidence=piece,
            district=piece.district,
            student=piece.student,
            demonstrated_on=piece.demonstrated_on,
            position=piece.position,
            piece=piece.piece,
            competency=self.world.of(Competency)[0],
            points=3,
            task=pk,
            kind=piece.kind,
            purpose=piece.purpose,
            application=False,
            conditions=1,
            assessor=self.random.choice([piece.recorded_by, self._recorder()]),
            scale=version.scale,
            policy_version=version,
            recorded_at=piece.recorded_at,
            first_recorded_at=piece.recorded_at,
            voided_at=self.world.at if voided else None,
            void_reason="w" if voided else None,
        )
