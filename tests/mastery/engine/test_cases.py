"""The numbered cases of docs/decisions-by-example.md, each worked there by hand."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest

from mastery.engine import decide
from mastery.engine.sentences import shown_sentence
from mastery.engine.values import Decision, Logs, Method, PolicyInForce, Rating

from .builders import (
    CUTS,
    EXCUSED,
    MIDPOINTS,
    MISSED,
    NOT_SHOWN,
    ONE_INDEPENDENT,
    SCALE,
    corrected,
    day,
    judge,
    make_logs,
    make_policy,
    make_rating,
    noon,
    pieces,
)

NO_EVIDENCE, NOT_YET, AWAITING = Decision.NO_EVIDENCE, Decision.NOT_YET, Decision.AWAITING
MASTERED, NONE = Decision.MASTERED, Decision.NONE

ROW = make_policy()
STEADY = make_policy(id=2, name="Steady", method=Method("n_of_last_m", 3, 4))
ANY_TWO = make_policy(id=3, name="Quick", method=Method("n_of_last_m", 2, None))
REPLACES = replace(ANY_TWO, id=1, reassessment="replaces")
CONFIRMED = make_policy(confirmation=True)
DECAYING = make_policy(
    method=Method("decaying_average", p=13, q=20), cuts=MIDPOINTS, gates=(ONE_INDEPENDENT,)
)
DESCRIBES = make_policy(decides=False)
MEAN = make_policy(method=Method("mean"), gates=())

BOTH = (PolicyInForce(None, ROW), PolicyInForce(noon(10), STEADY))
APPLIED = (PolicyInForce(None, ROW), PolicyInForce(noon(10), STEADY, recompute=True, by="Ms Abara"))
LATER_EASIER = (PolicyInForce(None, ROW), PolicyInForce(noon(30), ANY_TWO))
LATER = noon(100)
OVERRIDE = judge("override", 5, mastered=True, reason="explained it orally")


@dataclass(frozen=True)
class Case:
    """What the table says of one row; days are numbers, ``log`` is each advancement: its cause."""

    number: int
    logs: Logs
    decision: Decision
    level: int | None
    shown: str
    mastered_on: int | None = None
    log: str = ""
    unmet: str = ""
    basis: str = "evidence"
    look_again_on: int | None = None
    stale: bool = False
    at: datetime = LATER

    def __str__(self) -> str:
        return str(self.number)


def with_second(letters: str, **changes: object) -> tuple[Rating, ...]:
    """Return the pieces of ``letters``, the second one with ``changes``."""
    first, second, *rest = pieces(letters)
    return first, replace(second, **changes), *rest


def second_rater(points: int, of: Rating) -> Rating:
    return replace(of, id=90, chain=90, assessor=2, points=points)


def typed_late() -> tuple[Rating, ...]:
    first, second = pieces("A3 B3@5")
    return first, second, make_rating(3, 100, 3, recorded_at=noon(6))


def at_one_instant(ratings: tuple[Rating, ...], on: int) -> tuple[Rating, ...]:
    changes = {"recorded_at": noon(on), "first_recorded_at": noon(on), "released_at": noon(on)}
    return tuple(replace(rating, **changes) for rating in ratings)


def pinned(letters: str, *versions: int) -> tuple[Rating, ...]:
    made = zip(pieces(letters), versions, strict=True)
    return tuple(replace(rating, policy_version=version) for rating, version in made)


def one_day(letters: str) -> tuple[Rating, ...]:
    """Return pieces of one day, recorded one after the other."""
    return tuple(replace(rating, demonstrated_on=day(1)) for rating in pieces(letters))


def case(number: int, logs: Logs, decision: Decision, level: int | None, shown: str, **more):
    return Case(number, logs, decision, level, shown, **more)


A, B = pieces("A3 B3")
AB = pieces("A3 B3")
EXCUSED_MISSED_NOT_SHOWN = [
    make_logs((A, make_rating(9, None, 1, mark=mark, position=9), replace(B)))
    for mark in (EXCUSED, MISSED, NOT_SHOWN)
]
REOPENED = judge("reopening", 5, reason="copied")
CASES = [
    case(1, make_logs(), NO_EVIDENCE, None, "No evidence yet",
         unmet="minimum_pieces level different_tasks independent"),
    case(2, make_logs(pieces("A3")), NOT_YET, None, "Proficient so far, 1 of 2 (provisional)",
         unmet="minimum_pieces level different_tasks"),
    case(3, make_logs(pieces("A1 B3")), NOT_YET, 1, "Proficient so far, 1 of 2 (held: Emerging)",
         unmet="level different_tasks"),
    case(4, make_logs(AB), MASTERED, 3, "Proficient", mastered_on=2, log="mastered:evidence"),
    case(5, make_logs(pieces("A3 A3")), NOT_YET, 3, "Proficient", unmet="different_tasks"),
    case(6, make_logs(pieces("B3 C1 A3 A3")), NOT_YET, 3, "Proficient", unmet="different_tasks"),
    case(7, make_logs(pieces("A4 B2")), NOT_YET, 2, "Developing", unmet="level different_tasks"),
    case(8, make_logs(pieces("A4 B2 C4")), NOT_YET, 2,
         "Extending so far, 1 of 2 (held: Developing)", unmet="level different_tasks"),
    case(9, make_logs(pieces("A1 B2 C3 D3")), MASTERED, 3, "Proficient", mastered_on=4,
         log="mastered:evidence"),
    case(10, make_logs(pieces("A3 B3 C1 D1")), MASTERED, 1, "Proficient, recent work: Emerging",
         mastered_on=2, log="mastered:evidence"),
    case(11, make_logs(pieces("A3 B3 C1 D1 E1")), MASTERED, 1,
         "Proficient, recent work: Emerging", mastered_on=2, log="mastered:evidence",
         look_again_on=5),
    case(12, make_logs(typed_late()), MASTERED, 1, "Proficient, recent work: Emerging",
         mastered_on=5, log="mastered:evidence"),
    case(13, make_logs(at_one_instant(typed_late(), 6)), NOT_YET, 1,
         "Proficient so far, 1 of 2 (held: Emerging)", unmet="level different_tasks"),
    case(14, make_logs(with_second("A3 B3", voided_at=noon(4))), NOT_YET, None,
         "Proficient so far, 1 of 2 (provisional)", log="mastered:evidence reopened:void",
         unmet="minimum_pieces level different_tasks"),
    case(15, make_logs((*AB, corrected(B, 3, 400, 4))), MASTERED, 3, "Proficient", mastered_on=2,
         log="mastered:evidence"),
    case(16, make_logs((*AB, corrected(B, 3, 200, 4))), NOT_YET, 2, "Developing",
         log="mastered:evidence reopened:correction", unmet="level different_tasks"),
    case(17, make_logs((*pieces("A3 B3 C3"), corrected(A, 4, 200, 5))), MASTERED, 3,
         "Proficient", mastered_on=3, log="mastered:evidence redated:correction"),
    case(18, make_logs(AB, [REOPENED]), NOT_YET, 3, "Proficient", unmet="new_evidence",
         log="mastered:evidence reopened:reopening"),
    case(19, make_logs(pieces("A3 B3 C3@6"), [REOPENED]), MASTERED, 3, "Proficient", mastered_on=6,
         log="mastered:evidence reopened:reopening mastered:evidence"),
    case(20, make_logs(pieces("A3@1 B3@5"), (), BOTH), MASTERED, None, "Proficient",
         mastered_on=5, log="mastered:evidence"),
    case(21, make_logs(pinned("A3@1 B3@12", 1, 2), (), BOTH), NOT_YET, None,
         "Proficient so far, 2 of 3 (provisional)", unmet="level"),
    case(22, make_logs(at_one_instant(pieces("A3@1 B3@5"), 20), (), BOTH), MASTERED, None,
         "Proficient", mastered_on=5, log="mastered:evidence"),
    case(23, make_logs(pieces("A3 B1 C3@9"), (), LATER_EASIER), MASTERED, 3, "Proficient",
         mastered_on=9, log="mastered:policy", at=noon(30)),
    case(24, make_logs(pieces("A3@1 B3@5"), (), APPLIED), NOT_YET, None,
         "Proficient so far, 2 of 3 (provisional)", log="mastered:evidence reopened:policy",
         unmet="level"),
    *(case(25, logs, MASTERED, 3, "Proficient", mastered_on=2, log="mastered:evidence")
      for logs in EXCUSED_MISSED_NOT_SHOWN),
    case(26, make_logs(with_second("A3 B3", released_at=None)), NOT_YET, None,
         "Proficient so far, 1 of 2 (provisional)",
         unmet="minimum_pieces level different_tasks"),
    case(26, make_logs(with_second("A3 B3", released_at=noon(8))), MASTERED, 3, "Proficient",
         mastered_on=2, log="mastered:release"),
    case(27, make_logs((*at_one_instant(AB, 3), *at_one_instant((second_rater(200, B),), 3))),
         NOT_YET, 2, "Developing", unmet="level different_tasks"),
    case(28, make_logs((A, *at_one_instant((replace(B, points=400), second_rater(200, B)), 3))),
         NOT_YET, None, "Proficient so far, 1 of 2 (provisional)",
         unmet="minimum_pieces level different_tasks"),
    case(29, make_logs(pieces("A3 B3", conditions=2)), NOT_YET, 3, "Proficient",
         unmet="independent"),
    case(30, make_logs(AB, (), CONFIRMED), AWAITING, 3, "Proficient", unmet="confirmation"),
    case(30, make_logs(AB, [judge("confirmation", 6, saw_rating=2)], CONFIRMED), MASTERED, 3,
         "Proficient", mastered_on=2, log="mastered:confirmation"),
    case(31, make_logs(AB, [judge("refusal", 4, saw_rating=2)], CONFIRMED), NOT_YET, 3,
         "Proficient", unmet="confirmation"),
    case(31, make_logs(pieces("A3 B3 C3@6"), [judge("refusal", 4, saw_rating=2)], CONFIRMED),
         AWAITING, 3, "Proficient", unmet="confirmation"),
    case(32, make_logs(pieces("A1 B2"), [OVERRIDE]), MASTERED, 1, "Proficient, set by a teacher",
         mastered_on=5, log="mastered:override", unmet="level different_tasks independent",
         basis="override"),
    case(33, make_logs(pieces("A1 B2 C2@6"), [OVERRIDE]), MASTERED, 2,
         "Proficient, set by a teacher", mastered_on=5, log="mastered:override",
         unmet="level different_tasks independent", basis="override", stale=True),
    case(33, make_logs(pieces("A1 B2 C2@6"), [OVERRIDE, judge("override_end", 8, id=2)]), NOT_YET,
         2, "Developing", log="mastered:override reopened:override_end",
         unmet="level different_tasks independent"),
    case(34, make_logs((), [judge("prior_standing", 3, mastered=True)]), MASTERED, None,
         "Prior standing: Proficient", mastered_on=3, log="mastered:prior_standing",
         unmet="minimum_pieces level different_tasks independent", basis="prior_standing"),
    case(35, make_logs(pieces("A2 B2"), [judge("own_target", 0.5, level=2)]), MASTERED, 2,
         "Developing, own target", mastered_on=2, log="mastered:evidence"),
    case(36, make_logs(pieces("A2 B3"), (), DECAYING), MASTERED, 3, "Proficient", mastered_on=2,
         log="mastered:evidence"),
    case(37, make_logs(pieces("A2 B3 C3 D3 E3 F3 G3"), (), replace(DECAYING, cuts=CUTS)), NOT_YET,
         2, "Proficient so far (held: Developing)", unmet="level"),
    case(38, make_logs(pieces("A3 B3 A2"), (), REPLACES), MASTERED, 2,
         "Proficient, recent work: Developing", mastered_on=2, log="mastered:evidence"),
    case(39, make_logs(pieces("A3 B3 C3"), (), DESCRIBES), NONE, 3, "Proficient lately"),
    case(40, make_logs(one_day("A4 B2 C2"), (), MEAN), MASTERED, 2,
         "Proficient, recent work: Developing", mastered_on=1, log="mastered:evidence"),
    case(41, make_logs(one_day("A2 B2 C4"), (), MEAN), NOT_YET, 2,
         "Extending so far (held: Developing)", unmet="level"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case):
    outcome = decide(case.logs, case.at)

    state = outcome.state
    assert state.decision == case.decision
    assert state.level == case.level
    assert shown_sentence(state.shown, state.decision, SCALE) == case.shown
    assert state.basis == case.basis
    assert state.mastered_on == (day(case.mastered_on) if case.mastered_on else None)
    assert state.look_again_on == (day(case.look_again_on) if case.look_again_on else None)
    assert state.stale_override == case.stale
    assert " ".join(state.unmet) == case.unmet
    assert " ".join(f"{a.kind}:{a.cause}" for a in outcome.advancements) == case.log


def test_every_case_is_here():
    assert {case.number for case in CASES} == set(range(1, 42))


def test_the_documentation_says_the_same():
    page = Path(__file__).parents[3] / "docs" / "decisions-by-example.md"
    rows = [line.strip("| ").split(" | ") for line in page.read_text().splitlines()]

    written = {(int(row[0]), *row[2:5]) for row in rows if row[0].isdigit()}

    assert written == {
        (c.number, c.decision.value, str(c.level or "\N{EN DASH}"), c.shown) for c in CASES
    }
