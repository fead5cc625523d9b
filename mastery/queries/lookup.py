"""What a person names at the command line: a student, a competency, a school, an instant."""

import uuid
import zoneinfo
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from django.db.models import Q, QuerySet

from competencies.models import Competency
from competencies.queries.choice import NotFound, named_frameworks
from students.models import District, School, Student

Row = TypeVar("Row", Student, School, Competency)
OfDistrict = TypeVar("OfDistrict", Student, School)

_MANY = 10  # so many candidates are named, no more


class NotAnInstant(Exception):
    """The text is no day and no instant that can be asked about. Fit to show."""


def find_student(text: str, *, district: str | None = None) -> Student:
    """
    Return the student with this public id, roster id or number; of a duplicate, who carries on.

    ``district`` is a code. Three queries at most. The message names students by id only.

    :raises NotFound: if there is none, or several.
    """
    rows = _in_district(
        Student.objects.select_related(
            "user", "district", "merged_into__user", "merged_into__district"
        ),
        district,
    )
    public = _uuid(text)
    found = list(rows.filter(public_id=public)) if public else []
    found = found or _matching(rows, text, Q(user__sourced_id=text) | Q(number=text))
    if not found:
        raise NotFound(
            f"No student has the public id, roster id or number “{text}”. "
            "Check how it is written, and that the roster was imported."
        )
    if len(found) > 1:
        raise NotFound(
            f"“{text}” could be several students. Add --district CODE, or name one by its "
            "public id:"
            + _listed(
                f"{row.public_id} ({row.district.code}, "
                f"{'number' if row.number == text else 'roster id'} {text})"
                for row in found
            )
        )
    return found[0].merged_into or found[0]


def find_competency(text: str, *, district: District, framework: str | None = None) -> Competency:
    """
    Return the competency with this CASE identifier, external id or code.

    Only of frameworks that all share and the district's own; ``framework`` (a title or id)
    narrows them. Four queries at most.

    :raises NotFound: if there is none, or several.
    """
    among = named_frameworks(framework or "all", district=district)
    rows = Competency.objects.filter(framework__in=among).select_related("framework")
    identifier = _uuid(text)
    found = list(rows.filter(identifier=identifier)[: _MANY + 1]) if identifier else []
    found = found or _matching(rows, text, Q(external_id=text) | Q(code=text))
    if not found:
        raise NotFound(
            f"No competency has the identifier or code “{text}”. "
            "Check how it is written, and that its framework was imported."
        )
    if len(found) > 1:
        raise NotFound(_ask_for_framework(text, found))
    return found[0]


def _ask_for_framework(text: str, found: list[Competency]) -> str:
    if len({row.framework_id for row in found}) == len(found):
        return f"“{text}” is in several frameworks. Add --framework with one of:" + _listed(
            f"{row.framework.identifier} ({row.framework.title})" for row in found
        )
    return f"“{text}” is several competencies. Name one by its identifier:" + _listed(
        f"{row.identifier} ({row.statement[:60]})" for row in found
    )


def find_school(text: str, *, district: str | None = None) -> School:
    """
    Return the school with this public id, roster id or name. Three queries at most.

    :raises NotFound: if there is none, or several.
    """
    rows = _in_district(School.objects.select_related("district"), district)
    public = _uuid(text)
    found = list(rows.filter(public_id=public)) if public else []
    found = found or _matching(rows, text, Q(sourced_id=text) | Q(name__iexact=text))
    if not found:
        known = rows.order_by("name").values_list("name", flat=True)[: _MANY + 1]
        raise NotFound(f"No school is called “{text}”. There are:" + (_listed(known) or " none."))
    if len(found) > 1:
        raise NotFound(
            f"“{text}” could be several schools. Add --district CODE, or name one by its public id:"
            + _listed(f"{row.public_id} ({row.district.code}, {row.name})" for row in found)
        )
    return found[0]


def find_instant(text: str, *, zone: str, now: datetime) -> datetime:
    """
    Return the instant that ``text`` names: an ISO instant, or a day and then its end.

    A day, and an instant without an offset, are in the time ``zone``; today ends ``now``.

    :raises NotAnInstant: if it is neither, or lies in the future.
    """
    local = zoneinfo.ZoneInfo(zone)
    try:
        found = _day_or_instant(text, local, now)
    except (ValueError, OverflowError):
        raise NotAnInstant(
            f"“{text}” is no day and no instant. "
            "Write one like 2026-03-02, 2026-03-02T15:30 or 2026-03-02T14:30Z."
        ) from None
    if found > now:
        raise NotAnInstant(
            f"{text} is in the future; nobody knows what will be known then. Leave it out for now."
        )
    return found


def _day_or_instant(text: str, local: zoneinfo.ZoneInfo, now: datetime) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        instant = datetime.fromisoformat(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=local)).astimezone(UTC)
    if day == now.astimezone(local).date():
        return now
    begin_of_next = datetime.combine(day + timedelta(days=1), time.min, local)
    return begin_of_next.astimezone(UTC) - timedelta(microseconds=1)


def _in_district(rows: "QuerySet[OfDistrict]", code: str | None) -> "QuerySet[OfDistrict]":
    if code is None:
        return rows
    if not District.objects.filter(code=code).exists():
        known = District.objects.order_by("code").values_list("code", flat=True)[: _MANY + 1]
        raise NotFound(f"No district has the code {code}. There are:" + (_listed(known) or " none"))
    return rows.filter(district__code=code)


def _matching(rows: "QuerySet[Row]", text: str, by: Q) -> "list[Row]":
    """Return what ``by`` finds; an empty text would find all that lack what it looks for."""
    return list(rows.filter(by).order_by("pk")[: _MANY + 1]) if text else []


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _listed(names: Iterable[str]) -> str:
    """Return the names one a line; those beyond the tenth are said to be there."""
    lines = list(names)
    more = ["…"] if len(lines) > _MANY else []
    return "".join(f"\n  {line}" for line in lines[:_MANY] + more)


__all__ = [
    "NotAnInstant",
    "NotFound",
    "find_competency",
    "find_instant",
    "find_school",
    "find_student",
]
