"""
The rules of access, said a second time: in plain Python, one pair at a time.

Written apart from the scopes, which say the same in SQL for all rows at once; it reads the rows
of a ``World`` and asks no database. Where the two differ, one of them is wrong.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from assessments.models import Assessment, Evidence, Rating
from students.models import (
    Caseload,
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
from tests.permissions.world import World

TEACHERS = ("lead", "co_teacher")
RECORDERS = (*TEACHERS, "substitute")
CLASS_STAFF = (*RECORDERS, "aide")


class Rules:
    """What one person may do at the world's instant."""

    def __init__(self, world: World, user: User) -> None:
        self.world, self.user, self.at = world, user, world.at

    # dates

    def day_at(self, school_id: int, instant: datetime | None = None) -> date:
        return self._day(self.world.get(School, school_id).time_zone, instant)

    def _day(self, zone: str, instant: datetime | None = None) -> date:
        return (instant or self.at).astimezone(ZoneInfo(zone)).date()

    def _zone(self, row: Any) -> str:
        if hasattr(row, "section_id"):
            section = self.world.get(Section, row.section_id)
            return self.world.get(School, section.school_id).time_zone
        if hasattr(row, "school_id"):
            return self.world.get(School, row.school_id).time_zone
        return self.world.get(District, row.district_id).time_zone

    def in_force(self, row: Any, *, days_after: int = 0) -> bool:
        today, grace = self._day(self._zone(row)), timedelta(days=days_after)
        begun = row.starts_on is None or row.starts_on <= today
        lasts = row.ends_on is None or today < row.ends_on + grace
        never = row.starts_on is not None and row.starts_on == row.ends_on
        gone = row.deactivated_at is not None and row.deactivated_at + grace <= self.at
        return begun and lasts and not never and not gone

    def active(self) -> bool:
        gone = self.user.deactivated_at
        return self.user.is_active and (gone is None or gone > self.at)

    def mine(self, model: Any) -> Iterator[Any]:
        """The person's relationships in force, while the person is active, in their district."""
        if self.active():
            for row in self.world.of(model):
                own = row.user_id == self.user.pk and row.district_id == self.user.district_id
                if own and self.in_force(row):
                    yield row

    # who is who

    def one(self, student_id: int) -> int:
        return self.world.get(Student, student_id).merged_into_id or student_id

    def reachable(self, student: Student) -> bool:
        """Same district, and denied by nothing."""
        denied = any(
            row.user_id == self.user.pk
            and self.in_force(row)
            and self.one(row.student_id) == self.one(student.pk)
            for row in self.world.of(Restriction)
        )
        return student.district_id == self.user.district_id and not denied

    def is_self(self, one: int) -> bool:
        return self.active() and self.world.get(Student, one).user_id == self.user.pk

    def is_guardian(self, one: int) -> bool:
        return any(
            row.student_id == one and not self._adult(one, row) for row in self.mine(Guardianship)
        )

    def _adult(self, one: int, row: Guardianship) -> bool:
        found = [a for a in self.world.of(StudentAttributes) if a.student_id == one]
        born = found[0].birth_date if found else None
        if born is None:
            return False
        turns_18 = date(born.year + 18, born.month, born.day)
        return turns_18 <= self._day(self._zone(row))

    def counsels(self, one: int) -> bool:
        return any(row.student_id == one for row in self.mine(Caseload))

    def teaches(self, one: int, roles: tuple[str, ...], *, days_after: int = 0) -> set[int]:
        """The sections in which the person teaches the student, or did so many days ago."""
        sections = {r.section_id for r in self.mine(TeachingAssignment) if r.role in roles}
        return {
            row.section_id
            for row in self.world.of(Enrollment)
            if row.student_id == one
            and row.section_id in sections
            and self.in_force(row, days_after=days_after)
        }

    def attends(self, one: int) -> set[int]:
        schools = {
            row.school_id
            for row in self.world.of(SchoolEnrollment)
            if row.student_id == one and self.in_force(row)
        }
        return schools | {
            self.world.get(Section, row.section_id).school_id
            for row in self.world.of(Enrollment)
            if row.student_id == one and self.in_force(row)
        }

    def holds(self, *roles: str) -> set[int]:
        """The schools where the person holds one of the roles."""
        return {
            row.school_id
            for row in self.mine(SchoolRole)
            if row.role in roles
            and (row.role in ("principal", "registrar") or row.granted_by_id is not None)
        }

    def administers(self, district_id: int | None) -> bool:
        return district_id == self.user.district_id and any(
            self.world.get(School, school).district_id == district_id
            for school in self.holds("district_administrator")
        )

    def elevated(self) -> set[int]:
        return {
            row.school_id
            for row in self.world.of(Elevation)
            if row.user_id == self.user.pk
            and row.starts_at <= self.at < row.ends_at
            and self.administers(self.world.get(School, row.school_id).district_id)
        }

    # students

    def close_to(self, student: Student) -> bool:
        one = self.one(student.pk)
        return self.reachable(student) and (
            self.is_self(one) or self.is_guardian(one) or self.counsels(one)
        )

    def knows_student(self, student: Student) -> bool:
        one = self.one(student.pk)
        schools = self.holds("principal") | self.elevated()
        return self.close_to(student) or (
            self.reachable(student)
            and (bool(self.teaches(one, CLASS_STAFF)) or bool(self.attends(one) & schools))
        )

    def sees_student(self, student: Student) -> bool:
        return self.knows_student(student) or self.edits_student(student)

    def edits_student(self, student: Student) -> bool:
        office = self.holds("registrar", "administrator")
        return self.reachable(student) and bool(self.attends(self.one(student.pk)) & office)

    def records_about(self, student: Student) -> bool:
        return (
            student.merged_into_id is None
            and self.reachable(student)
            and bool(self.teaches(student.pk, RECORDERS))
        )

    def only_substitutes(self, student: Student) -> bool:
        return self.records_about(student) and not self.teaches(student.pk, TEACHERS)

    def judges(self, student: Student) -> bool:
        own_child = any(self.one(r.student_id) == student.pk for r in self.mine(Guardianship))
        leads = bool(self.attends(student.pk) & self.holds("principal"))
        return (
            student.merged_into_id is None
            and self.reachable(student)
            and (leads or bool(self.teaches(student.pk, TEACHERS)))
            and not own_child
        )

    # sections, schools, people

    def sees_section(self, section: Section) -> bool:
        works = any(
            row.section_id == section.pk and row.role in CLASS_STAFF
            for row in self.mine(TeachingAssignment)
        )
        attended = any(
            row.section_id == section.pk
            and self.in_force(row)
            and self.close_to(self.world.get(Student, row.student_id))
            for row in self.world.of(Enrollment)
        )
        office = section.school_id in self.holds("principal", "registrar", "administrator")
        inside = section.district_id == self.user.district_id
        return inside and (works or attended or office or self.administers(section.district_id))

    def sees_school(self, school: School) -> bool:
        through_section = any(
            section.school_id == school.pk and self.sees_section(section)
            for section in self.world.of(Section)
        )
        attended = any(
            row.school_id == school.pk
            and self.in_force(row)
            and self.close_to(self.world.get(Student, row.student_id))
            for row in self.world.of(SchoolEnrollment)
        )
        office = school.pk in self.holds("principal", "registrar", "administrator")
        inside = school.district_id == self.user.district_id
        return inside and (
            through_section or attended or office or self.administers(school.district_id)
        )

    def sees_person(self, person: User) -> bool:
        if person.district_id != self.user.district_id:
            return False
        oneself = person.pk == self.user.pk and self.active()
        student = any(
            s.user_id == person.pk and self.sees_student(s) for s in self.world.of(Student)
        )
        return oneself or student or self._sees_at_work(person) or self._sees_as_office(person)

    def _sees_at_work(self, person: User) -> bool:
        return any(
            row.user_id == person.pk
            and self.in_force(row)
            and self.sees_section(self.world.get(Section, row.section_id))
            for row in self.world.of(TeachingAssignment)
        )

    def _sees_as_office(self, person: User) -> bool:
        schools = self.holds("principal", "registrar", "administrator")
        staff = any(
            row.user_id == person.pk and self.in_force(row) and row.school_id in schools
            for row in self.world.of(SchoolRole)
        )
        guardian = any(
            row.user_id == person.pk
            and row.district_id == self.user.district_id
            and self.in_force(row)
            and self.reachable(self.world.get(Student, row.student_id))
            and self.attends(self.one(row.student_id)) & schools
            for row in self.world.of(Guardianship)
        )
        return staff or guardian

    # evidence

    def section_of(self, piece: Evidence) -> Section | None:
        if piece.assessment_id is None:
            return None
        assessment = self.world.get(Assessment, piece.assessment_id)
        return self.world.get(Section, assessment.section_id)

    def sees_evidence(self, piece: Evidence) -> bool:
        return self._sees_as_staff(piece) or self._sees_as_family(piece)

    def sees_rating(self, rating: Rating) -> bool:
        piece = self.world.get(Evidence, rating.evidence_id)
        family = self._sees_as_family(piece) and rating.voided_at is None
        return self._sees_as_staff(piece) or family

    def _sees_as_family(self, piece: Evidence) -> bool:
        one = self.one(piece.student_id)
        released = piece.released_at is not None and piece.released_at <= self.at
        return (
            released
            and self.reachable(self.world.get(Student, piece.student_id))
            and (self.is_self(one) or self.is_guardian(one))
        )

    def _sees_as_staff(self, piece: Evidence) -> bool:
        one = self.one(piece.student_id)
        return self.reachable(self.world.get(Student, piece.student_id)) and (
            self.counsels(one)
            or self._sees_whole_student(piece, one)
            or self._covers_class(piece, one)
            or self._taught_lately(piece, one)
        )

    def _sees_whole_student(self, piece: Evidence, one: int) -> bool:
        taught_at = {self.world.get(Section, pk).school_id for pk in self.teaches(one, TEACHERS)}
        looked_at = self.holds("principal") | self.elevated()
        section = self.section_of(piece)
        foreign = section is not None and section.school_id in self.attends(one)
        as_teacher = taught_at and (not foreign or section.school_id in taught_at)
        as_leader = looked_at & self.attends(one) and (
            not foreign or section.school_id in looked_at
        )
        return bool(as_teacher or as_leader)

    def _covers_class(self, piece: Evidence, one: int) -> bool:
        section = self.section_of(piece)
        own = section is None and piece.recorded_by_id == self.user.pk
        return any(
            (own or (section is not None and section.pk == pk))
            and self.term_began(pk) <= piece.demonstrated_on
            for pk in self.teaches(one, ("substitute", "aide"))
        )

    def term_began(self, section_id: int) -> date:
        today = self.day_at(self.world.get(Section, section_id).school_id)
        links = self.world.of(Section.terms.through)
        terms = [
            self.world.get(Term, link.term_id) for link in links if link.section_id == section_id
        ]
        return max((t.starts_on for t in terms if t.starts_on <= today < t.ends_on), default=today)

    def _taught_lately(self, piece: Evidence, one: int) -> bool:
        section = self.section_of(piece)
        classes = self.teaches(one, TEACHERS, days_after=30)
        return (section is not None and section.pk in classes) or (
            bool(classes) and piece.recorded_by_id == self.user.pk
        )

    # putting right

    def _in_class(self, piece: Evidence, classes: set[int], *, or_none: bool) -> bool:
        section = self.section_of(piece)
        if section is None:
            return or_none and bool(classes)
        return section.pk in classes

    def _of_the_class(self, piece: Evidence, roles: tuple[str, ...]) -> bool:
        classes = self.teaches(self.one(piece.student_id), roles)
        once_covered = any(
            row.section_id in classes
            and row.user_id == piece.recorded_by_id
            and row.role == "substitute"
            for row in self.world.of(TeachingAssignment)
        )
        loose = self.section_of(piece) is None and piece.by_substitute and once_covered
        return self._in_class(piece, classes, or_none=False) or loose

    def corrects(self, rating: Rating) -> bool:
        piece = self.world.get(Evidence, rating.evidence_id)
        one = self.one(rating.student_id)
        if not self.reachable(self.world.get(Student, rating.student_id)):
            return False
        if self._of_the_class(piece, ("lead",)):
            return True
        covered = {
            pk
            for pk in self.teaches(one, ("substitute",))
            if self._same_day(pk, rating.recorded_at)
        }
        return rating.assessor_id == self.user.pk and (
            self._in_class(piece, self.teaches(one, TEACHERS), or_none=True)
            or self._in_class(piece, covered, or_none=True)
        )

    def _same_day(self, section_id: int, instant: datetime) -> bool:
        school = self.world.get(Section, section_id).school_id
        return self.day_at(school, instant.astimezone(UTC)) == self.day_at(school)

    def releases(self, piece: Evidence) -> bool:
        classes = self.teaches(self.one(piece.student_id), TEACHERS)
        own = piece.recorded_by_id == self.user.pk
        return (
            piece.released_at is None
            and self.reachable(self.world.get(Student, piece.student_id))
            and (
                self._of_the_class(piece, TEACHERS)
                or (own and self._in_class(piece, classes, or_none=True))
            )
        )

    def confirms(self, piece: Evidence) -> bool:
        return (
            piece.by_substitute
            and piece.confirmed_at is None
            and self.reachable(self.world.get(Student, piece.student_id))
            and self._of_the_class(piece, TEACHERS)
        )
