"""Why a student stands where they stand on a competency, now or with what was known then."""

import zoneinfo
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext as _

from assessments.models import Evidence, Kind
from competencies.models import Competency
from competencies.queries import tree
from competencies.queries.clock import database_clock
from mastery.engine import DecisionRecord, Names, explain, templates
from mastery.engine.lines import AdvancementLine, JudgementLine
from mastery.engine.rollup import ChildLog
from mastery.engine.values import Advancement, Basis, Logs
from mastery.queries.availability import from_standings
from mastery.queries.explanation import (
    ChildLine,
    ChildrenPart,
    CompetencyPart,
    Explanation,
    PausedPart,
    StudentPart,
    WaitingLine,
)
from mastery.queries.standings import Standing, standings, without_words
from mastery.queries.waiting import Waiting
from students.models import Student, User

_WORD = {Basis.OVERRIDE: "override", Basis.PRIOR: "prior_standing"}


def explanation(
    student: Student, competency: Competency, *, as_of: datetime | None = None
) -> Explanation:
    """
    Return the explanation of a pair with what was known at ``as_of``; None is now.

    Nothing need be recorded for the pair. Calculated anew from the logs, so that it says the
    same as the stored state once nothing waits; instants are told in the district's time zone.
    Costs about thirty queries whatever was recorded, and seven more a level of headings below
    the competency's parts and prerequisites.

    :raises ValueError: where the logs make no sense and the pair is not yet paused for it.
    """
    at = as_of or database_clock()
    at = at.astimezone(zoneinfo.ZoneInfo(student.district.time_zone))
    children = tree.children([competency.pk], at=at)[competency.pk]
    required = tree.prerequisites([competency.pk], at=at)[competency.pk]
    standing = standings(student, {competency.pk, *children, *required}, at)
    return _Writer(student, competency, at, standing, children, required).explanation()


class _Writer:
    """Puts what is known of one pair and its relatives into one explanation."""

    def __init__(
        self,
        student: Student,
        competency: Competency,
        at: datetime,
        standing: Mapping[int, Standing],
        children: Collection[int],
        required: Collection[int],
    ) -> None:
        self.student = student
        self.competency = competency
        self.at = at
        self.standing = standing
        self.own = standing[competency.pk]
        self.order = list(children)
        self.required = required
        self.rows = Competency.objects.in_bulk(standing.keys())
        self.names = _names(self.own.logs)

    def explanation(self) -> Explanation:
        return Explanation(
            student=StudentPart(
                str(self.student.public_id), self.student.user.name, self.student.number
            ),
            competency=CompetencyPart(
                str(self.competency.identifier),
                self.competency.code,
                self.competency.statement,
                self.competency.framework.title,
            ),
            as_of=self.at,
            decision=self.own.decision.value,
            decision_name=_decision_name(self.own),
            decided_by="children" if self.own.by_children else "ratings",
            paused=self._paused(),
            ratings=self._ratings(),
            children=self._children(),
            availability=from_standings(
                self.student, self.competency, self.required, self.standing, self.at
            ),
            waiting=tuple(
                self._waiting(one.waiting)
                for _number, one in sorted(self.standing.items())
                if one.waiting is not None
            ),
        )

    def _ratings(self) -> DecisionRecord | None:
        says_nothing = self.own.by_children and not self.own.logs.ratings
        if self.own.is_paused or says_nothing:
            return None
        logs = without_words(self.own.logs) if self.own.by_children else self.own.logs
        return explain(_with_people(logs, self.names), self.at, self.names, translate=_)

    def _children(self) -> ChildrenPart | None:
        rollup = self.own.rollup
        if rollup is None or self.own.is_paused:
            return None
        outcome = rollup.outcome
        return ChildrenPart(
            decision=outcome.decision.value,
            decision_name=_(templates.DECISIONS[outcome.decision]),
            basis=outcome.basis.value,
            rule=rollup.rule.rule.kind,
            have=outcome.have,
            need=outcome.need,
            total=outcome.total,
            sentence=_("{have} of {total} parts are mastered; {need} are needed.").format(
                have=outcome.have, total=outcome.total, need=outcome.need
            ),
            mastered_on=outcome.mastered_on,
            judgements=self._words(outcome.basis),
            children=tuple(self._child(one) for one in sorted(rollup.children, key=self._place_of)),
            advancements=tuple(self._advancement(one) for one in outcome.advancements),
        )

    def _place_of(self, child: ChildLog) -> int:
        return self.order.index(child.competency)

    def _child(self, child: ChildLog) -> ChildLine:
        row, standing = self.rows[child.competency], self.standing[child.competency]
        last = child.last_change(self.at)
        return ChildLine(
            identifier=str(row.identifier),
            code=row.code,
            statement=row.statement,
            decision=standing.decision.value,
            decision_name=_decision_name(standing),
            mastered_at=last[0].astimezone(self.at.tzinfo) if last and last[1] else None,
        )

    def _words(self, basis: Basis) -> tuple[JudgementLine, ...]:
        """Return the judgement that stands in front of the parts, if one does."""
        kind = _WORD.get(basis)
        said = [one for one in self.own.logs.judgements if one.kind == kind]
        if not said:
            return ()
        last = max(said, key=lambda one: (one.recorded_at, one.id))
        by = self._person(last.by)
        sentence = _(templates.JUDGEMENTS[last.kind]).format(by=by, reason=last.reason)
        return (
            JudgementLine(
                last.id, last.kind, by, last.recorded_at, last.ends_at, last.reason, sentence
            ),
        )

    def _advancement(self, one: Advancement) -> AdvancementLine:
        sentence = _(templates.KINDS[one.kind]).format(
            day=one.mastered_on, at=f"{one.decided_at:%Y-%m-%d}", cause=self._cause(one)
        )
        return AdvancementLine(
            number=one.number,
            kind=one.kind.value,
            basis=one.basis.value,
            mastered_on=one.mastered_on,
            decided_at=one.decided_at,
            cause=one.cause,
            cause_id=one.cause_id,
            pieces=(),
            sentence=sentence,
        )

    def _cause(self, one: Advancement) -> str:
        if one.cause == "child":
            return _("its parts changed")
        if one.cause == "rule":
            return _("the rule for its parts changed")
        by = [said.by for said in self.own.logs.judgements if said.id == one.cause_id]
        return _(templates.CAUSES[one.cause]).format(by=self._person(by[0] if by else None))

    def _person(self, number: int | None) -> str:
        return "" if number is None else self.names.assessors.get(number, "")

    def _paused(self) -> PausedPart | None:
        if self.own.waiting is None or not self.own.is_paused:
            return None
        stored = self.own.waiting.stored
        return PausedPart(
            decision=self.own.decision.value,
            decision_name=_decision_name(self.own),
            computed_at=stored.computed_at if stored else None,
            sentence=_paused_sentence(self.own.waiting),
        )

    def _waiting(self, one: Waiting) -> WaitingLine:
        row = self.rows[one.competency_id]
        said = (
            _paused_sentence(one)
            if one.paused
            else _("Updating: asked for {since}.").format(since=f"{one.since:%Y-%m-%d %H:%M %Z}")
        )
        return WaitingLine(
            identifier=str(row.identifier),
            code=row.code,
            status="paused" if one.paused else "updating",
            since=one.since,
            sentence=f"{row}: {said}",
        )


def _decision_name(standing: Standing) -> str:
    return _(templates.DECISIONS[standing.decision])


def _paused_sentence(one: Waiting) -> str:
    if one.stored is None:
        return _("Calculation paused; there is no earlier value.")
    return _("Calculation paused; last good value of {at}.").format(
        at=f"{one.stored.computed_at:%Y-%m-%d %H:%M %Z}"
    )


def _names(logs: Logs) -> Names:
    """Return what is named in the logs: tasks, people, kinds; two queries."""
    rows = Evidence.objects.filter(pk__in={rating.evidence for rating in logs.ratings})
    titles = {
        number: assessment or title
        for number, assessment, title in rows.values_list("pk", "assessment__title", "title")
    }
    people = {rating.assessor for rating in logs.ratings if rating.assessor is not None}
    people |= {said.by for said in logs.judgements if said.by is not None}
    people |= {int(entry.by) for entry in logs.policies if entry.by is not None}
    return Names(
        tasks={
            rating.task: titles[rating.evidence]
            or f"{Kind(rating.kind).label} {rating.demonstrated_on}"
            for rating in logs.ratings
        },
        assessors={user.pk: user.name for user in User.objects.filter(pk__in=people)},
        kinds={int(kind): str(kind.label) for kind in Kind},
    )


def _with_people(logs: Logs, names: Names) -> Logs:
    """Return the logs with the names of those who placed the policies."""
    return replace(
        logs,
        policies=tuple(
            entry if entry.by is None else replace(entry, by=names.assessors[int(entry.by)])
            for entry in logs.policies
        ),
    )
