"""The decision record: why a pair stands as it does, and what would change it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from mastery.engine import templates
from mastery.engine.decide import decide
from mastery.engine.gates import GATES
from mastery.engine.levels import estimate, level_of_points
from mastery.engine.lines import (
    AdvancementLine,
    ChangeLine,
    DecidingPart,
    DecisionRecord,
    JudgementLine,
    Names,
    NotCountedLine,
    PieceLine,
    RuleLine,
    StepLine,
)
from mastery.engine.methods import METHODS
from mastery.engine.numbers import hundredths, listed, plain
from mastery.engine.sentences import Translate, shown_sentence
from mastery.engine.values import (
    Advancement,
    Check,
    Judgement,
    Logs,
    Outcome,
    Piece,
    PolicyVersion,
    Rating,
    Standing,
)
from mastery.engine.what_if import smallest_change


def explain(
    logs: Logs, at: datetime, names: Names | None = None, translate: Translate = str
) -> DecisionRecord:
    """
    Return the decision record of a pair with what was known at ``at``.

    ``translate`` gets each template before its places are filled. Cost: a decision, and up to ten
    a level more to find what would change it.

    :raises ValueError: as ``decide`` does.
    """
    return _Writer(logs, at, names or Names(), translate).record()


class _Writer:
    """Puts one outcome into words."""

    def __init__(self, logs: Logs, at: datetime, names: Names, translate: Translate) -> None:
        self.logs = logs
        self.at = at
        self.names = names
        self.translate = translate
        self.outcome: Outcome = decide(logs, at)
        self.version: PolicyVersion = self.outcome.working.version
        self.ratings = {rating.id: rating for rating in logs.ratings}

    def record(self) -> DecisionRecord:
        state, working = self.outcome.state, self.outcome.working
        return DecisionRecord(
            as_of=self.at,
            decision=state.decision.value,
            decision_name=self.translate(templates.DECISIONS[state.decision]),
            basis=state.basis.value,
            level=state.level,
            level_name=self._level(state.level),
            shown=shown_sentence(state.shown, state.decision, self.version.scale, self.translate),
            policy=_policy(self.version),
            policy_version=self.version.id,
            target=working.target,
            target_name=self._level(working.target),
            own_target=working.own_target,
            calculated=working.calculated.value,
            rules=tuple(self._rule(check) for check in working.checks),
            calculation=self._calculation(),
            deciding=self._deciding(working.standing) if working.standing else None,
            judgements=self._judgements(),
            counted=tuple(self._piece(piece) for piece in working.pieces),
            not_counted=tuple(self._not_counted(*pair) for pair in working.not_counted),
            next_step=self._next_step(),
            what_would_change_it=self._change(),
            mastered_on=state.mastered_on,
            refresh_on=state.refresh_on,
            look_again_on=state.look_again_on,
            stale_override=state.stale_override,
            advancements=tuple(self._advancement(one) for one in self.outcome.advancements),
            inputs_hash=state.inputs_hash,
        )

    def _say(self, template: str, **places: object) -> str:
        return self.translate(template).format(**places)

    def _level(self, position: int | None) -> str:
        return self.version.scale.level(position).name if position else ""

    def _rule(self, check: Check) -> RuleLine:
        have, need = str(check.have), str(check.need)
        if check.rule == "level":
            have, template = self._level_rule(check)
            need = plain(check.need, 10_000)
        elif check.rule == "minimum_pieces":
            template = templates.MINIMUM
        else:
            template = GATES[check.rule].sentence
        level = self._level(self.outcome.working.target)
        sentence = self._say(template, level=level, have=have, need=need)
        return RuleLine(check.rule, check.have, check.need, check.met, sentence)

    def _level_rule(self, check: Check) -> tuple[str, str]:
        """Return the exact estimate in words, and the sentence it stands in."""
        reached = self.outcome.state.estimate
        if reached is None:
            return "", templates.LEVEL_NONE
        have = hundredths(reached.number, reached.den)
        return have, templates.LEVEL_MET if check.met else templates.LEVEL_UNMET

    def _calculation(self) -> str:
        points = [piece.points for piece in self.outcome.working.pieces]
        if not points:
            return self.translate(templates.NO_CALCULATION)
        reached = estimate(self.version, self.outcome.working.pieces)
        if reached is None:
            return self._say(templates.TOO_FEW, points=listed(points))
        method = self.version.method
        template, places = METHODS[method.name].written(method, points)
        return self._say(template, **places, result=hundredths(reached.number, reached.den))

    def _deciding(self, standing: Standing) -> DecidingPart:
        target = standing.version.scale.level(standing.target).name
        tasks = ", ".join(_unique(self._task_of(piece) for piece in standing.deciding))
        sentence = self._say(
            templates.DECIDED_BY, tasks=tasks, policy=_policy(standing.version), level=target
        )
        return DecidingPart(
            policy=_policy(standing.version),
            policy_version=standing.version.id,
            target=standing.target,
            target_name=target,
            own_target=standing.own_target,
            pieces=standing.deciding,
            sentence=sentence,
        )

    def _judgements(self) -> tuple[JudgementLine, ...]:
        working = self.outcome.working
        spoken = (working.override, working.prior)
        return tuple(self._judgement(one) for one in spoken if one is not None)

    def _judgement(self, judgement: Judgement) -> JudgementLine:
        by = self._person(judgement.by)
        return JudgementLine(
            judgement=judgement.id,
            kind=judgement.kind,
            by=by,
            recorded_at=judgement.recorded_at,
            ends_at=judgement.ends_at,
            reason=judgement.reason,
            sentence=self._say(
                templates.JUDGEMENTS[judgement.kind], by=by, reason=judgement.reason
            ),
        )

    def _piece(self, piece: Piece) -> PieceLine:
        scale = self.version.scale
        level = level_of_points(scale, piece.points)
        return PieceLine(
            piece=piece.id,
            task=_name(self.names.tasks, piece.task),
            kind=_name(self.names.kinds, self.ratings[piece.ratings[0]].kind),
            day=piece.day,
            level=level,
            level_name=self._level(level),
            points=hundredths(piece.points, 1),
            assessors=tuple(self._person(self.ratings[id].assessor) for id in piece.ratings),
            ratings=piece.ratings,
        )

    def _not_counted(self, id: int, reason: str) -> NotCountedLine:
        rating = self.ratings[id]
        return NotCountedLine(
            rating=id,
            piece=rating.piece,
            task=_name(self.names.tasks, rating.task),
            day=rating.demonstrated_on,
            reason=reason,
            sentence=self.translate(templates.NOT_COUNTED[reason]),
        )

    def _next_step(self) -> StepLine:
        state = self.outcome.state
        places: dict[str, object] = dict(state.next_step_params)
        places["level"] = self._level(state.target)
        return StepLine(state.next_step, self._say(templates.STEPS[state.next_step], **places))

    def _change(self) -> ChangeLine | None:
        change = smallest_change(self.logs, self.at, self.outcome)
        if change is None:
            return None
        sentence = self._say(
            templates.CHANGES[change.code], pieces=change.pieces, level=self._level(change.level)
        )
        return ChangeLine(change.code, change.pieces, change.level, sentence)

    def _advancement(self, advancement: Advancement) -> AdvancementLine:
        sentence = self._say(
            templates.KINDS[advancement.kind],
            day=advancement.mastered_on,
            at=f"{advancement.decided_at:%Y-%m-%d}",
            cause=self._cause(advancement),
        )
        return AdvancementLine(
            number=advancement.number,
            kind=advancement.kind.value,
            basis=advancement.basis.value,
            mastered_on=advancement.mastered_on,
            decided_at=advancement.decided_at,
            cause=advancement.cause,
            cause_id=advancement.cause_id,
            pieces=advancement.pieces,
            sentence=sentence,
        )

    def _cause(self, advancement: Advancement) -> str:
        """Return the cause in words, with who it was where a person acted."""
        if advancement.cause == "policy":
            applied = [
                entry.by
                for entry in self.logs.policies
                if entry.recompute and entry.starts_at == advancement.decided_at
            ]
            if applied and applied[0]:
                return self._say(templates.CAUSES["policy_applied"], by=applied[0])
        by = [one.by for one in self.logs.judgements if one.id == advancement.cause_id]
        person = self._person(by[0] if by else None)
        return self._say(templates.CAUSES[advancement.cause], by=person)

    def _task_of(self, piece: int) -> str:
        """Return the task of ``piece`` by the rating of it that was recorded last."""
        ratings: Iterable[Rating] = (one for one in self.logs.ratings if one.piece == piece)
        last = max(ratings, key=lambda one: (one.recorded_at, one.id))
        return _name(self.names.tasks, last.task)

    def _person(self, id: int | None) -> str:
        return "" if id is None else _name(self.names.assessors, id)


def _policy(version: PolicyVersion) -> str:
    return f"{version.name} v{version.number}"


def _name(names: Mapping[int, str], id: int) -> str:
    return names.get(id, f"#{id}")


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
