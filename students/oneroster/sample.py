"""
A made-up school as a OneRoster package: as many people as wanted, the same for the same seed.

The names are a list of our own; nobody in it exists.
"""

import random
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

Rows = list[dict[str, str]]

GIVEN = (  # noqa: SIM905
    "Ada Aisha Akira Alba Amir Ana Anouk Arjun Beatriz Ben Bilal Carla Chidi Chloé Dario Daniela "
    "Élodie Elena Emeka Emil Émile Fatima Felipe Freya Gael Grace Hana Hugo Ibrahim Inés Iris "
    "Ivan Jada Jin Jonas Jorge Kaia Kofi Lara Leïla Leo Lin Lucía Luca Malik Mara Marta Mateo "
    "Mei Mila Mina Nadia Nia Nico Nora Noé Óscar Olga Omar Paula Pia Priya Rafael Rania Rosa "
    "Ruth Sami Sara Sofía Tariq Théo Uma Vera Víctor Wen Yara Yusuf Zoe Zuri"
).split()
FAMILY = (  # noqa: SIM905
    "Abebe Acosta Adler Ahmed Álvarez Andersen Bauer Becker Bello Blanco Castro Chen Cohen Cruz "
    "Da-Silva Diallo Díaz Dubois Eriksen Fernández Fischer Flores Fofana García Gil Gómez Haddad "
    "Hansen Hassan Hernández Huber Ibarra Ito Iyer Jansen Jiménez Kaya Keller Khan Kim Koné "
    "Kowalski Larsen Lee López Malik Martín Mbeki Méndez Meyer Molina Moreau Mori Müller Navarro "
    "Ng Nguyen Novak Núñez O'Brien Okafor Ortiz Osei Park Patel Peña Pereira Petrov Popov Quispe "
    "Ramos Rao Reyes Ríos Rossi Ruiz Sánchez Santos Sato Schmidt Serrano Silva Singh Soto "
    "Suzuki Tanaka Torres Traoré Vargas Vega Vidal Walker Weber Wolf Yilmaz Zhang"
).split()
SUBJECTS = (
    ("MA", "Mathematics"),
    ("SC", "Science"),
    ("LA", "Language"),
    ("SO", "Social studies"),
    ("AR", "Art"),
    ("PE", "Movement"),
    ("MU", "Music"),
    ("TE", "Technology"),
    ("L2", "Second language"),
    ("PR", "Projects"),
)
GRADES = ("06", "07", "08")
CLASS_SIZE = 25
TEACHERS = 0.06  # of all people
GUARDIANS = 0.33


@dataclass(slots=True)
class SampleSchool:
    """The rows of each file, and for each student who teaches them, by identifier."""

    files: dict[str, Rows]
    teachers_of: dict[str, list[str]] = field(default_factory=dict)

    @property
    def students(self) -> Sequence[str]:
        return tuple(self.teachers_of)


def make_school(
    *, people: int, students: int | None = None, subjects: int = 6, seed: int, until: date
) -> SampleSchool:
    """
    Return a school of ``people``: students, teachers, guardians, a counsellor, a principal.

    With ``students`` that many learn and the others come on top. Each student is in a class of
    each of ``subjects``, 1 to 10. The school year is the one that ``until`` lies in.
    """
    return _School(people, students, subjects, random.Random(seed), until).made()  # noqa: S311


class _School:
    def __init__(
        self,
        people: int,
        students: int | None,
        subjects: int,
        chance: random.Random,
        until: date,
    ) -> None:
        self._chance = chance
        self._year = until.year + (until.month >= 8)  # the year in which the school year ends
        self._subjects = SUBJECTS[:subjects]
        if students is not None:
            people = round(students / (1 - TEACHERS - GUARDIANS))
        self._teachers = max(1, round(people * TEACHERS))
        self._guardians = round(people * GUARDIANS)
        self._students = (
            students
            if students is not None
            else max(1, people - self._teachers - self._guardians - 2)
        )
        self._files: dict[str, Rows] = {
            file: []
            for file in (
                "orgs",
                "academicSessions",
                "courses",
                "classes",
                "users",
                "roles",
                "enrollments",
                "demographics",
            )
        }
        self._school = SampleSchool(self._files)
        self._teaching: dict[str, str] = {}  # class → teacher

    def made(self) -> SampleSchool:
        self._add_places()
        self._person("staff-1", "principal")
        self._person("staff-2", "counselor")
        for number in range(1, self._teachers + 1):
            self._person(f"teacher-{number:04}", "teacher")
        self._add_students()
        self._add_guardians()
        return self._school

    def _add(self, file: str, **values: str) -> None:
        self._files[file].append(values)

    def _add_places(self) -> None:
        self._add("orgs", sourcedId="district-1", name="Valley District", type="district")
        self._add(
            "orgs",
            sourcedId="school-1",
            name="Riverside School",
            type="school",
            identifier="RIV",
            parentSourcedId="district-1",
        )
        year, title = str(self._year), f"{self._year - 1}/{self._year}"
        begins, ends = f"{self._year - 1}-09-01", f"{year}-07-01"
        self._session("year-1", title, "schoolYear", begins, ends)
        self._session("year-1-t1", f"{title} autumn", "semester", begins, f"{year}-02-01")
        self._session("year-1-t2", f"{title} spring", "semester", f"{year}-02-01", ends)
        for grade in GRADES:
            for code, subject in self._subjects:
                self._add(
                    "courses",
                    sourcedId=f"course-{code}-{grade}",
                    schoolYearSourcedId="year-1",
                    title=f"{subject} {int(grade)}",
                    courseCode=f"{code}{grade}",
                    grades=grade,
                    orgSourcedId="school-1",
                    subjects=subject,
                )

    def _session(self, key: str, title: str, kind: str, begins: str, ends: str) -> None:
        self._add(
            "academicSessions",
            sourcedId=key,
            title=title,
            type=kind,
            startDate=begins,
            endDate=ends,
            parentSourcedId="" if kind == "schoolYear" else "year-1",
            schoolYear=str(self._year),
        )

    def _person(self, key: str, role: str, **more: str) -> None:
        given, family = self._chance.choice(GIVEN), self._chance.choice(FAMILY)
        self._add(
            "users",
            sourcedId=key,
            enabledUser="true",
            username=f"{_plain(given)}.{_plain(family)}.{key.replace('-', '')}",
            givenName=given,
            familyName=family,
            **more,
        )
        self._add(
            "roles",
            sourcedId=f"role-{key}",
            userSourcedId=key,
            roleType="primary",
            role=role,
            beginDate=f"{self._year - 2}-09-01" if role == "student" else "",
            orgSourcedId="school-1",
        )

    def _add_students(self) -> None:
        places: dict[str, int] = dict.fromkeys(GRADES, 0)
        for number in range(1, self._students + 1):
            key = f"student-{number:05}"
            grade = GRADES[(number - 1) % len(GRADES)]
            self._person(key, "student", identifier=str(10_000 + number), grades=grade)
            born = self._year - 6 - int(grade)
            month, day = self._chance.randint(1, 12), self._chance.randint(1, 28)
            self._add(
                "demographics",
                sourcedId=key,
                birthDate=f"{born}-{month:02}-{day:02}",
                sex=self._chance.choice(("female", "male", "unspecified")),
                hispanicOrLatinoEthnicity=self._chance.choice(("true", "false")),
            )
            group = places[grade] // CLASS_SIZE + 1
            places[grade] += 1
            self._school.teachers_of[key] = [
                self._enrol(key, code, grade, group) for code, _ in self._subjects
            ]

    def _enrol(self, student: str, code: str, grade: str, group: int) -> str:
        """Put a student in the class of a subject; return who teaches it."""
        key = f"class-{code}-{grade}-{group:03}"
        teacher = self._teacher_of(key, code, grade, group)
        self._enrollment(key, student, "student", "")
        return teacher

    def _teacher_of(self, key: str, code: str, grade: str, group: int) -> str:
        if key not in self._teaching:
            number = self._chance.randint(1, self._teachers)
            self._teaching[key] = f"teacher-{number:04}"
            self._add(
                "classes",
                sourcedId=key,
                title=f"{dict(SUBJECTS)[code]} {int(grade)} group {group}",
                grades=grade,
                courseSourcedId=f"course-{code}-{grade}",
                classCode=f"{code}{grade}-{group}",
                classType="scheduled",
                schoolSourcedId="school-1",
                termSourcedIds="year-1",
            )
            self._enrollment(key, self._teaching[key], "teacher", "true")
        return self._teaching[key]

    def _enrollment(self, at: str, user: str, role: str, primary: str) -> None:
        self._add(
            "enrollments",
            sourcedId=f"enr-{at.removeprefix('class-')}-{user}",
            classSourcedId=at,
            schoolSourcedId="school-1",
            userSourcedId=user,
            role=role,
            primary=primary,
            beginDate=f"{self._year - 1}-09-01",
        )

    def _add_guardians(self) -> None:
        """Give guardians one or two children each; a child without one is no surprise."""
        children = list(self._school.teachers_of)
        for number in range(1, self._guardians + 1):
            chosen = self._chance.sample(children, min(len(children), self._chance.choice((1, 2))))
            self._person(
                f"guardian-{number:05}",
                self._chance.choice(("guardian", "parent", "parent", "relative")),
                agentSourcedIds=",".join(sorted(chosen)),
            )


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in decomposed if letter.isascii() and letter.isalpha())


def sorted_files(files: Mapping[str, Rows]) -> dict[str, Rows]:
    """Return the rows in the order in which an export of the product writes them."""
    return {file: sorted(rows, key=lambda row: row["sourcedId"]) for file, rows in files.items()}
