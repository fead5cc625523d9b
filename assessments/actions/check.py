"""The rules that a new or corrected rating must keep, loaded once for all of them."""

from __future__ import annotations

import zoneinfo
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db.models import Q

from assessments.actions.errors import EvidenceRejected
from assessments.models import Mark
from competencies.models import Competency, Level, PolicyVersion
from competencies.queries.policies import InForce, policy_timelines, version_on
from students.models import District, Student

if TYPE_CHECKING:
    from assessments.actions.record import NewPiece, NewRating


LONGEST_TITLE = 300  # characters


@dataclass(frozen=True, slots=True)
class Rules:
    """What pieces are checked against; a snapshot from under the students' locks."""

    district: District
    today: date  # in the district's time zone
    competencies: Mapping[int, Competency]
    timelines: Mapping[int, tuple[InForce, ...]]
    versions: Mapping[int, PolicyVersion]
    top_points: Mapping[int, Decimal]  # by scale

    def version(self, competency_id: int, day: date) -> PolicyVersion:
        """Return the policy version in force for work of ``day``, which a rating pins."""
        zone = zoneinfo.ZoneInfo(self.district.time_zone)
        end = datetime.combine(day + timedelta(days=1), time.min, zone)
        return self.versions[version_on(self.timelines[competency_id], end)]

    def check(self, piece: NewPiece) -> None:
        """
        Check one piece.

        :raises EvidenceRejected: with the first rule it breaks.
        """
        self.check_day(piece.demonstrated_on)
        if not piece.ratings:
            raise EvidenceRejected("A piece of evidence needs at least one rating.")
        if len(piece.title) > LONGEST_TITLE:
            raise EvidenceRejected(f"Keep the title under {LONGEST_TITLE} characters.")
        if len({rating.competency_id for rating in piece.ratings}) < len(piece.ratings):
            raise EvidenceRejected("One piece was rated twice on the same competency.")
        if piece.assessment and piece.assessment.district_id != self.district.pk:
            raise EvidenceRejected("That assessment does not exist.")
        for rating in piece.ratings:
            self.check_rating(rating, piece.demonstrated_on)

    def check_day(self, day: date) -> None:
        """Refuse a day that has not come yet, which is most often a slip in the year."""
        if day > self.today:
            raise EvidenceRejected(
                f"{day} is in the future. Write the day on which the work was done."
            )
        if day.year < 1990:
            raise EvidenceRejected(f"{day} is too long ago. Check the year.")

    def check_rating(self, rating: NewRating, day: date) -> None:
        """Check mark, points and competency of one rating."""
        competency = self.competencies.get(rating.competency_id)
        if competency is None:
            raise EvidenceRejected("That competency does not exist.")
        if competency.retired_at is not None:
            raise EvidenceRejected(
                f"{competency} was retired. Rate the competency that took its place."
            )
        if not competency.is_rated:
            raise EvidenceRejected(
                f"{competency} is a heading: it follows from its parts. Rate one of these."
            )
        self._check_points(rating, self.version(competency.pk, day).scale_id)

    def check_correction(self, rating: NewRating, scale_id: int) -> None:
        """Check mark and points of what takes another rating's place, on that one's scale."""
        self._check_points(rating, scale_id)

    def _check_points(self, rating: NewRating, scale_id: int) -> None:
        if rating.mark != Mark.RATED:
            if rating.points is not None:
                raise EvidenceRejected(
                    f"Work marked “{Mark(rating.mark).label}” carries no points. "
                    "Leave the points empty, or mark it as rated."
                )
            return
        if rating.points is None:
            raise EvidenceRejected("A rating needs points; without them choose another mark.")
        top = self.top_points[scale_id]
        if not rating.points.is_finite() or not 0 <= rating.points <= top:
            raise EvidenceRejected(f"Points go from 0 to {top.normalize():f}.")
        if rating.points != round(rating.points, 2):
            raise EvidenceRejected("Points have two decimal places at most.")


def load_rules(
    *,
    district: District,
    student_ids: Collection[int],
    competency_ids: Collection[int],
    at: datetime,
) -> Rules:
    """
    Load what the rules need; six queries whatever the numbers.

    :raises EvidenceRejected: if a student is of another district, or is a merged duplicate.
    """
    ours = Student.objects.filter(
        pk__in=student_ids, district=district, merged_into__isnull=True
    ).count()
    if ours != len(student_ids):
        raise EvidenceRejected("A student named here does not exist.")
    found = Competency.objects.filter(
        Q(framework__district=None) | Q(framework__district=district), pk__in=competency_ids
    ).in_bulk()
    timelines = policy_timelines(district.pk, found.keys())
    versions = PolicyVersion.objects.in_bulk(
        {entry.version_id for timeline in timelines.values() for entry in timeline}
    )
    levels = Level.objects.filter(Q(scale__district=None) | Q(scale__district=district))
    top: dict[int, Decimal] = {}
    for level in levels:
        top[level.scale_id] = max(top.get(level.scale_id, Decimal(0)), Decimal(level.points) / 100)
    zone = zoneinfo.ZoneInfo(district.time_zone)
    return Rules(district, at.astimezone(zone).date(), found, timelines, versions, top)
