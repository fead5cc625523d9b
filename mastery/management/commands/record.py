"""``record STUDENT COMPETENCY POINTS``: record one piece of evidence and tell what it changed."""

import argparse
import re
import zoneinfo
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from assessments.actions import EvidenceRejected, NewPiece, NewRating, record_evidence
from assessments.models import Conditions, Evidence, Kind, Mark
from assessments.models.codes import named
from competencies.models import Competency
from competencies.queries.clock import database_clock
from mastery.queries.explain import explanation
from mastery.queries.explanation import Explanation
from mastery.queries.lookup import NotFound, find_competency, find_student
from mastery.queries.waiting import followers
from students.models import Student, User

_LONGEST_TASK = Evidence._meta.get_field("title").max_length


class Command(BaseCommand):
    help = (
        "Record what a student showed on a competency, and tell the new level, what changed, "
        "and what follows through the queue."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("student", metavar="STUDENT", help="public id, roster id or number")
        parser.add_argument("competency", metavar="COMPETENCY", help="CASE identifier or code")
        parser.add_argument(
            "points", metavar="POINTS", nargs="?", help="like 3 or 2.5; none with another mark"
        )
        parser.add_argument(
            "--on", metavar="DATE", help="the day the work was done; else today, in the district"
        )
        parser.add_argument("--task", metavar="TITLE", default="", help="what the work was")
        parser.add_argument("--kind", metavar="KIND", default="observation", help=_words(Kind))
        parser.add_argument(
            "--conditions", metavar="HOW", default="independent", help=_words(Conditions)
        )
        parser.add_argument("--mark", metavar="MARK", default="rated", help=_words(Mark))
        parser.add_argument(
            "--as", dest="sign_in_name", metavar="SIGN_IN_NAME", help="who judged it and records"
        )
        parser.add_argument("--comment", metavar="TEXT", default="")
        parser.add_argument("--district", metavar="CODE", help="where several have the number")
        parser.add_argument(
            "--framework", metavar="TITLE|ID", help="where several have the competency's code"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen")

    @transaction.atomic
    def handle(self, *, student: str, competency: str, **options: Any) -> None:
        try:
            who = find_student(student, district=options["district"])
            what = find_competency(
                competency, district=who.district, framework=options["framework"]
            )
            recorded = record_evidence(
                actor=_person(options["sign_in_name"]),
                district=who.district,
                pieces=[_piece(who, what, options)],
                source="command",
            )
        except (NotFound, EvidenceRejected, PermissionDenied, _Unreadable) as problem:
            raise CommandError(f"Nothing was recorded. {problem}") from None
        self._tell(who, what, recorded.at)
        if options["dry_run"]:
            transaction.set_rollback(True)
            self.stdout.write("Dry run: nothing was written.")

    def _tell(self, who: Student, what: Competency, at: datetime) -> None:
        found = explanation(who, what)
        self.stdout.write(f"{found.student.title}: {found.competency.title}")
        if found.paused:
            self.stdout.write(f"{found.decision_name}. {found.paused.sentence}")
        if found.ratings:
            self.stdout.write(f"{found.ratings.shown} — {found.ratings.decision_name}")
        if found.decided_by == "children":
            self.stdout.write(f"Its parts decide: {found.decision_name}")
        for change in _changes(found, at):
            self.stdout.write(change)
        for waits in followers(who, what):
            self.stdout.write(f"Queued: {waits}")


def _changes(found: Explanation, at: datetime) -> list[str]:
    """Return what the save at ``at`` changed, in words."""
    if found.ratings is None or found.decided_by == "children":
        return []
    return [one.sentence for one in found.ratings.advancements if one.decided_at == at]


class _Unreadable(ValueError):
    """A value on the command line cannot be read. Fit to show."""


def _piece(who: Student, what: Competency, options: dict[str, Any]) -> NewPiece:
    mark = Mark(_named(Mark, options["mark"]))
    if len(options["task"]) > (_LONGEST_TASK or 0):
        raise _Unreadable(
            f"The task's title is longer than {_LONGEST_TASK} characters; shorten it."
        )
    return NewPiece(
        student_id=who.pk,
        ratings=[NewRating(competency_id=what.pk, points=_points(options["points"]), mark=mark)],
        demonstrated_on=_day(options["on"], who.district.time_zone),
        title=options["task"],
        kind=Kind(_named(Kind, options["kind"])),
        conditions=Conditions(_named(Conditions, options["conditions"])),
        comment=options["comment"],
    )


def _points(text: str | None) -> Decimal | None:
    if text is None:
        return None
    if re.fullmatch(r"-?\d+,\d+", text, re.ASCII):
        raise _Unreadable(f"Write points with a point: {text.replace(',', '.')}, not {text}.")
    if not re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII):
        raise _Unreadable(f"“{text}” is no number of points. Write one like 3 or 2.5.")
    return Decimal(text)


def _day(text: str | None, zone: str) -> date:
    if text is None:
        return database_clock().astimezone(zoneinfo.ZoneInfo(zone)).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _Unreadable(f"“{text}” is no day. Write one like 2026-03-02.") from None


def _named(choices: Any, text: str) -> int:
    try:
        return named(choices, text)
    except ValueError as problem:
        raise _Unreadable(f"{problem}.") from None


def _words(choices: Any) -> str:
    return ", ".join(member.lower() for member in choices.__members__)


def _person(sign_in_name: str | None) -> User | None:
    if sign_in_name is None:
        return None
    found = User.objects.filter(sign_in_name=sign_in_name).first()
    if found is None:
        raise NotFound(f"Nobody signs in as {sign_in_name}. Check how it is written.")
    return found
