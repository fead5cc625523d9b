"""The rows that a roster's export is made of."""

from collections.abc import Iterator
from heapq import merge
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Collate

from students.models import (
    Course,
    District,
    Enrollment,
    School,
    SchoolEnrollment,
    SchoolRole,
    Section,
    StudentAttributes,
    TeachingAssignment,
    Term,
    User,
)
from students.oneroster.columns import KEY, Version
from students.oneroster.roles import role_in_1_1
from students.queries.roster import HeldRoster, roster_rows

ExportRow = dict[str, str]
_AGENTS = "agentSourcedIds"
_CHUNK = 5000  # rows fetched at a time


class RosterExport:
    """
    The files of a district's roster as rows, each in the order of its identifiers.

    Rows stream: memory does not grow with enrolments. Four to eight queries a file whatever
    its size. Whatever has been deactivated is not there, nor what would refer to it.
    """

    def __init__(self, district: District, version: Version) -> None:
        self._district = district
        self._is_1_1 = version == "1.1"
        self._places: dict[str, dict[str, str]] = {}  # user → organisation → role, for 1.1

    def files(self) -> dict[str, Iterator[ExportRow]]:
        found = {
            "orgs": self._orgs(),
            "academicSessions": self._sessions(),
            "courses": self._courses(),
            "classes": self._classes(),
            "users": self._users_1_1() if self._is_1_1 else self._users(),
            "enrollments": self._enrollments(),
            "demographics": self._demographics(),
        }
        return found if self._is_1_1 else {**found, "roles": self._roles()}

    def _orgs(self) -> Iterator[ExportRow]:
        rows = roster_rows(School, self._district)
        for row in _fetched(rows, "name", "org_type", "identifier", *_PARENT):
            key, roster, name, kind, identifier, parent, parent_gone = row
            yield {
                **roster,
                KEY: key,
                "name": name,
                "type": kind,
                "identifier": identifier,
                "parentSourcedId": _there(parent, parent_gone),
            }

    def _sessions(self) -> Iterator[ExportRow]:
        rows = roster_rows(Term, self._district)
        fields = ("title", "kind", "starts_on", "ends_on", "school_year", *_PARENT)
        for key, roster, title, kind, starts, ends, year, parent, parent_gone in _fetched(
            rows, *fields
        ):
            yield {
                **roster,
                KEY: key,
                "title": title,
                "type": kind,
                "startDate": starts.isoformat(),
                "endDate": ends.isoformat(),
                "parentSourcedId": _there(parent, parent_gone),
                "schoolYear": f"{year:04}",
            }

    def _courses(self) -> Iterator[ExportRow]:
        fields = ("title", "code", "grades", "school__sourced_id")
        year = ("school_year__sourced_id", "school_year__deactivated_at")
        for key, roster, title, code, grades, org, session, session_gone in _fetched(
            roster_rows(Course, self._district), *fields, *year
        ):
            yield {
                **roster,
                KEY: key,
                "schoolYearSourcedId": _there(session, session_gone),
                "title": title,
                "courseCode": code,
                "grades": grades,
                "orgSourcedId": org,
            }

    def _classes(self) -> Iterator[ExportRow]:
        terms: dict[str, list[str]] = {}
        for key, term in Section.terms.through.objects.filter(
            section__district=self._district, term__deactivated_at__isnull=True
        ).values_list("section__sourced_id", "term__sourced_id"):
            terms.setdefault(key, []).append(term)
        fields = ("title", "code", "kind", "grades", "school__sourced_id", "course__sourced_id")
        for key, roster, title, code, kind, grades, school, course in _fetched(
            roster_rows(Section, self._district), *fields
        ):
            yield {
                **roster,
                KEY: key,
                "title": title,
                "grades": grades,
                "courseSourcedId": course,
                "classCode": code,
                "classType": kind,
                "schoolSourcedId": school,
                "termSourcedIds": _in_order(terms.get(key, []), roster.get("termSourcedIds", "")),
            }

    def _users(self) -> Iterator[ExportRow]:
        agents = self._agents()
        fields = ("username", "given_name", "family_name", "identifier", "email", "is_active")
        for key, roster, username, given, family, identifier, email, is_active in _fetched(
            roster_rows(User, self._district), *fields
        ):
            kept = {name: value for name, value in roster.items() if name != "orgSourcedIds"}
            named = kept.pop(_AGENTS, "").split(",")
            yield {
                **kept,
                KEY: key,
                "enabledUser": "true" if is_active else "false",
                "username": username,
                "givenName": given,
                "familyName": family,
                "identifier": identifier,
                "email": email,
                _AGENTS: ",".join(agent for agent in named if agent in agents),
            }

    def _agents(self) -> set[str]:
        """Return whom a person's row may name: everyone in the export."""
        if self._is_1_1:
            return set(self._roles_by_user())
        return HeldRoster(self._district).identifiers("users")

    def _users_1_1(self) -> Iterator[ExportRow]:
        """Yield people with their one role; somebody without any is not known to 1.1."""
        roles = self._roles_by_user()
        orders = dict(
            User.objects.filter(district=self._district, roster__has_key="orgSourcedIds")
            .values_list("sourced_id", "roster__orgSourcedIds")
            .iterator()
        )
        for row in self._users():
            places = roles.get(row[KEY])
            if places:
                row["orgSourcedIds"] = _in_order(list(places), orders.get(row[KEY], ""))
                row["role"] = role_in_1_1(set(places.values()))
                yield row

    def _roles_by_user(self) -> dict[str, dict[str, str]]:
        if not self._places:
            for row in self._roles():
                places = self._places.setdefault(row["userSourcedId"], {})
                org = row["orgSourcedId"]
                places[org] = role_in_1_1({row["role"], *filter(None, [places.get(org)])})
        return self._places

    def _roles(self) -> Iterator[ExportRow]:
        shared = ("school__sourced_id", "starts_on", "ends_on")
        learning = _fetched(
            roster_rows(SchoolEnrollment, self._district).filter(
                _here("school", "student__user"), ~Q(student__user__sourced_id="")
            ),
            *shared,
            "student__user__sourced_id",
        )
        others = _fetched(
            roster_rows(SchoolRole, self._district).filter(
                _here("school", "user"), ~Q(user__sourced_id="")
            ),
            *shared,
            "user__sourced_id",
            "role",
        )
        for key, roster, org, starts, ends, user, role in _merged(learning, others):
            yield {
                **roster,
                KEY: key,
                "userSourcedId": user,
                "role": role,
                "beginDate": starts.isoformat() if starts else "",
                "endDate": ends.isoformat() if ends else "",
                "orgSourcedId": org,
            }

    def _enrollments(self) -> Iterator[ExportRow]:
        known = self._roles_by_user() if self._is_1_1 else None
        shared = ("section__sourced_id", "section__school__sourced_id", "starts_on", "ends_on")
        learning = _fetched(
            roster_rows(Enrollment, self._district).filter(
                _here("section", "student__user"),
                ~Q(section__sourced_id=""),
                ~Q(student__user__sourced_id=""),
            ),
            *shared,
            "student__user__sourced_id",
        )
        teaching = _fetched(
            roster_rows(TeachingAssignment, self._district).filter(
                _here("section", "user"), ~Q(section__sourced_id=""), ~Q(user__sourced_id="")
            ),
            *shared,
            "user__sourced_id",
            "role",
        )
        for key, roster, section, school, starts, ends, user, role in _merged(learning, teaching):
            if known is not None and user not in known:
                continue
            yield {
                "schoolSourcedId": school,
                **roster,
                KEY: key,
                "classSourcedId": section,
                "userSourcedId": user,
                **_role_in_class(role, roster),
                "beginDate": starts.isoformat() if starts else "",
                "endDate": ends.isoformat() if ends else "",
            }

    def _demographics(self) -> Iterator[ExportRow]:
        known = self._roles_by_user() if self._is_1_1 else None
        rows = (
            StudentAttributes.objects.filter(
                student__district=self._district, student__user__deactivated_at__isnull=True
            )
            .exclude(student__user__sourced_id="")
            .order_by(Collate("student__user__sourced_id", "C"))
            .values_list("student__user__sourced_id", "birth_date", "attributes")
        )
        for key, birth_date, attributes in rows.iterator(chunk_size=_CHUNK):
            values = {name: _text(value) for name, value in attributes.items()}
            if (values or birth_date) and (known is None or key in known):
                yield {
                    **values,
                    KEY: key,
                    "birthDate": birth_date.isoformat() if birth_date else "",
                }


_PARENT = ("parent__sourced_id", "parent__deactivated_at")
_LEAD = TeachingAssignment.Role.LEAD
_CO_TEACHER = TeachingAssignment.Role.CO_TEACHER
_WORDS: dict[str, str] = {
    TeachingAssignment.Role.SUBSTITUTE: "ext:substitute",
    TeachingAssignment.Role.AIDE: "ext:aide",
    TeachingAssignment.Role.PROCTOR: "proctor",
    TeachingAssignment.Role.ADMINISTRATOR: "administrator",
}


def _role_in_class(role: str, roster: ExportRow) -> ExportRow:
    """Return role and primary: the file's own words while they still say what the row says."""
    primary = roster.get("primary", "")
    if role == "student":
        return {"role": "student", "primary": primary}
    if role == _LEAD:
        return {"role": "teacher", "primary": "true"}
    if role == _CO_TEACHER:
        return {"role": "teacher", "primary": "false" if primary == "true" else primary}
    kept = roster.get("role", "")
    # A word of the source that we do not know is kept as a proctor.
    is_kept = kept == _WORDS[role] or (
        role == TeachingAssignment.Role.PROCTOR
        and kept.startswith("ext:")
        and kept not in _WORDS.values()
    )
    return {"role": kept if is_kept else _WORDS[role], "primary": primary}


def _merged(learning: Iterator[Any], teaching: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    """Merge two streams that are each in the order of their identifiers, without holding them."""
    return merge(((*row, "student") for row in learning), teaching, key=lambda row: row[0])


def _here(*names: str) -> Q:
    """Keep rows whose ends are active."""
    return Q(**{f"{name}__deactivated_at__isnull": True for name in names})


def _fetched(rows: "QuerySet[Any]", *fields: str) -> Iterator[tuple[Any, ...]]:
    # By code point, in the database as in Python, so that streams merge and exports compare.
    found = rows.order_by(Collate("sourced_id", "C"))
    return found.values_list("sourced_id", "roster", *fields).iterator(chunk_size=_CHUNK)


def _there(key: str | None, gone: Any) -> str:
    return key if key and gone is None else ""


def _in_order(keys: list[str], kept: str) -> str:
    """Return a list in the order that its source wrote, where it still lists the same."""
    written = kept.split(",")
    return ",".join(written if sorted(written) == sorted(keys) else sorted(keys))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
