"""
Everything that can happen to what is known of two students, in any order, with crashes.

Every example runs in a transaction of its own, which is rolled back; each transaction of the
product is a savepoint in it. A crash is an exception at a chosen point: what had not been
committed is gone, and what had been stays.
"""

import logging
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.core.management import CommandError, call_command
from django.db import connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from assessments.actions import (
    EvidenceRejected,
    NewPiece,
    NewRating,
    correct_evidence,
    correct_rating,
    record_evidence,
    release_evidence,
    undo_correction,
    void_rating,
)
from assessments.actions.lifecycle import confirm_evidence
from assessments.models import Conditions, Evidence, Mark, Purpose, Rating
from competencies.actions.policies import Place, PlacementRejected, place_policy, set_rollup_rule
from competencies.actions.prerequisites import (
    PrerequisiteRefused,
    add_prerequisite,
    end_prerequisite,
)
from competencies.models import ParentEdge, Prerequisite
from competencies.queries.clock import database_clock
from mastery.actions import follow, queue
from mastery.actions.drain import drain, sweep
from mastery.actions.judge import JudgementRejected, Word, judge
from mastery.actions.recompute import recompute
from mastery.models import Advancement, Judgement, MasteryState, RecomputeRequest
from mastery.queries.standings import Standing, standings
from students.actions.locks import lock_students
from tests import oracle
from tests.mastery.world import EVERYTHING, RATED, TREES, World, load_tree, make_world

MONDAY = date(2026, 3, 2)
SOON = timedelta(milliseconds=15)
SET_ONCE = {"released_at", "confirmed_at", "confirmed_by_id"}
SET_ONCE |= {"voided_at", "voided_by_id", "void_reason"}
REFUSALS = (
    EvidenceRejected,
    JudgementRejected,
    PlacementRejected,
    PrerequisiteRefused,
)
AT_ONCE = follow.DECIDE_AT_ONCE
MOST_CRASHES = 3  # of the drain between two quiet moments: a fifth attempt quarantines

days = st.integers(0, 12).map(lambda n: MONDAY + timedelta(days=n))
points = st.sampled_from([3, 4, 2, 1, Decimal("2.5"), 0]).map(Decimal)
# What becomes of a save: it commits, it commits undecided, or it ends before the commit.
fates = st.sampled_from([*["commit"] * 7, "not decided", "not decided", "crash"])
who = st.integers(0, 1)
which = st.integers(0, 40)
pieces = st.fixed_dictionaries(
    {
        "student": who,
        "codes": st.lists(st.sampled_from(RATED), min_size=1, max_size=3, unique=True),
        "points": points,
        "mark": st.sampled_from([Mark.RATED] * 5 + [Mark.NOT_SHOWN, Mark.MISSED, Mark.EXCUSED]),
        "day": days,
        "title": st.sampled_from(["one", "two", "three", "four", "five", "quiz", ""]),
        "conditions": st.sampled_from([*[Conditions.INDEPENDENT] * 3, *Conditions]),
        "purpose": st.sampled_from([Purpose.SUMMATIVE] * 3 + [Purpose.FORMATIVE]),
        "released": st.sampled_from([True] * 4 + [False]),
    }
)


class Crash(Exception):
    """The process ended here."""


class Watch(logging.Handler):
    """Keeps what the product says went wrong."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record)


class Machine(RuleBasedStateMachine):
    """The stored state always equals a replay of the logs."""

    def __init__(self) -> None:
        super().__init__()
        self.watch = Watch()
        logging.getLogger("mastery").addHandler(self.watch)
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        try:
            self.world: World = make_world()
        except BaseException:
            self._roll_back()
            raise
        self.tree: dict[str, tuple[str, ...]] = {}
        self.crashed = 0
        self.held: queue.Claim | None = None  # by a worker that is slow
        self.flipped: set[int] = set()  # decided by others than before: their past is told anew
        self.advancements: dict[int, tuple[Any, ...]] = {}
        self.rows: dict[tuple[str, int], dict[str, Any]] = {}
        self.instants: list[tuple[datetime, dict[oracle.Pair, dict[str, Any]]]] = []

    def teardown(self) -> None:
        try:
            if not connection.needs_rollback and connection.connection is not None:
                self._is_quiet_and_right()
                self._earlier_instants_are_told_as_they_were()
                connection.check_constraints()
        finally:
            self._roll_back()
            shutil.rmtree(self.world.folder)

    def _roll_back(self) -> None:
        follow.DECIDE_AT_ONCE = AT_ONCE
        logging.getLogger("mastery").removeHandler(self.watch)
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    # what people do

    @rule(
        new=st.lists(pieces, min_size=1, max_size=3),
        by=st.sampled_from([None, None, "teacher", "substitute"]),
        fate=fates,
    )
    def record(self, new: list[dict[str, Any]], by: str | None, fate: str) -> None:
        self._try(
            partial(
                record_evidence,
                actor=by and getattr(self.world, by),
                district=self.world.district,
                pieces=[self._piece(**one) for one in new],
            ),
            fate,
        )

    @rule(student=who, code=st.sampled_from(RATED), day=days, fate=fates)
    def show_mastery(self, student: int, code: str, day: date, fate: str) -> None:
        both = [
            self._piece(
                student=student, codes=[code], points=Decimal(3), mark=Mark.RATED, day=day,
                title=title, conditions=Conditions.INDEPENDENT, purpose=Purpose.SUMMATIVE,
                released=True,
            )
            for title in ("one", "two")
        ]  # fmt: skip
        save = partial(record_evidence, actor=None, district=self.world.district, pieces=both)
        self._try(save, fate)

    @precondition(lambda self: Rating.objects.exists())
    @rule(rating=which, value=points, fate=fates)
    def correct(self, rating: int, value: Decimal, fate: str) -> None:
        number = self._rating(rating)
        self._try(partial(correct_rating, actor=None, rating_id=number, points=value), fate)

    @precondition(lambda self: Rating.objects.exists())
    @rule(rating=which, fate=fates)
    def void(self, rating: int, fate: str) -> None:
        number = self._rating(rating)
        self._try(partial(void_rating, actor=None, rating_id=number, reason="copied"), fate)

    @precondition(lambda self: Rating.objects.filter(replaces__isnull=False).exists())
    @rule(rating=which, fate=fates)
    def undo(self, rating: int, fate: str) -> None:
        rows = Rating.objects.filter(replaces__isnull=False)
        number = self._one(rows.order_by("-pk"), rating).pk
        self._try(partial(undo_correction, actor=None, rating_id=number), fate)

    @precondition(lambda self: Evidence.objects.filter(released_at__isnull=True).exists())
    @rule(piece=which, fate=fates)
    def release(self, piece: int, fate: str) -> None:
        row = self._one(Evidence.objects.filter(released_at__isnull=True).order_by("-pk"), piece)
        self._try(partial(release_evidence, actor=None, evidence_ids=[row.pk]), fate)

    @precondition(lambda self: self._unconfirmed().exists())
    @rule(piece=which, fate=fates)
    def confirm_a_substitutes(self, piece: int, fate: str) -> None:
        row = self._one(self._unconfirmed().order_by("-pk"), piece)
        save = partial(confirm_evidence, actor=self.world.teacher, evidence_ids=[row.pk])
        self._try(save, fate)

    @precondition(lambda self: Rating.objects.exists())
    @rule(
        piece=which,
        changes=st.one_of(
            st.fixed_dictionaries({"demonstrated_on": days}),
            st.fixed_dictionaries({"conditions": st.sampled_from(Conditions)}),
        ),
        fate=fates,
    )
    def correct_piece(self, piece: int, changes: dict[str, Any], fate: str) -> None:
        row = self._one(Evidence.objects.order_by("-pk"), piece)
        self._try(partial(correct_evidence, actor=None, evidence_id=row.pk, changes=changes), fate)

    @rule(
        student=who,
        code=st.sampled_from(EVERYTHING),
        kind=st.sampled_from(Judgement.Kind),
        mastered=st.sampled_from([True, False, None]),
        level=st.integers(1, 4),
        starts_on=st.none() | days,
        lasts=st.sampled_from([None, None, SOON, timedelta(days=2)]),
        fate=fates,
    )
    def judge(
        self,
        student: int,
        code: str,
        kind: str,
        mastered: bool | None,
        level: int,
        starts_on: date | None,
        lasts: timedelta | None,
        fate: str,
    ) -> None:
        row, competency = self.world.students[student], self.world.codes[code]
        seen = Rating.objects.filter(student=row, competency=competency)
        needs_level = kind == "own_target" or mastered is None
        word = Word(
            kind=kind,
            reason="Seen in the workshop",
            source="Another school",
            saw_rating=seen.order_by("-recorded_at", "-pk").values_list("pk", flat=True).first(),
            mastered=mastered if kind in {"override", "prior_standing"} else None,
            level=level if needs_level and kind in {"override", "prior_standing", "own_target"}
            else None,
            starts_on=starts_on if kind in {"override", "prior_standing", "own_target"} else None,
            ends_at=database_clock() + lasts
            if lasts and kind in {"override", "own_target"} else None,
        )  # fmt: skip
        self._try(
            partial(judge, actor=self.world.teacher, student=row, competency=competency, word=word),
            fate,
        )

    # what administrators do

    @rule(
        version=st.integers(0, 8),
        place=st.sampled_from(
            [
                ("district", ""),
                ("framework", ""),
                ("competency", "A"),
                ("competency", "R"),
                ("subtree", "H"),
                ("subtree", "TOP"),
                ("subtree", "R"),
            ]
        ),
        mode=st.sampled_from(["keep", "recompute"]),
        later=st.sampled_from([False, False, True]),
        fate=fates,
    )
    def place_policy(
        self, version: int, place: tuple[str, str], mode: str, later: bool, fate: str
    ) -> None:
        scope, code = place
        row = self.world.codes.get(code)
        where = {
            "district": Place(),
            "framework": Place(framework=self.world.codes["A"].framework),
            "competency": Place(competency=row),
            "subtree": Place(competency=row, subtree=True),
        }[scope]
        save = partial(
            place_policy,
            actor=None,
            district=self.world.district,
            version=self.world.versions[version],
            place=where,
            starts_at=database_clock() + SOON if later else None,
            mode=mode,
        )
        self._try(save, fate)

    @rule(code=st.sampled_from(["H", "TOP", "R"]), k=st.sampled_from([None, 1, 2]), fate=fates)
    def set_rollup_rule(self, code: str, k: int | None, fate: str) -> None:
        save = partial(
            set_rollup_rule,
            actor=None,
            district=self.world.district,
            competency=self.world.codes[code],
            rule="all" if k is None else "k_of_n",
            k=k,
            children_decide=code != "R" or self.world.codes["R"].pk in self.flipped,
        )
        self._try(save, fate)

    @rule(sure=st.integers(0, 3))
    def let_the_children_decide(self, sure: int) -> None:
        if sure < 3:  # seldom: what it is about, and what stands above, is compared less
            return
        competency = self.world.codes["R"]
        save = partial(
            set_rollup_rule,
            actor=None,
            district=self.world.district,
            competency=competency,
            rule="all",
            children_decide=competency.pk not in self.flipped,
        )
        self._try(save, "commit")
        self.flipped.add(competency.pk)

    @rule(
        pair=st.sampled_from([("S", "A"), ("S", "B"), ("S", "H"), ("D", "R"), ("B", "R1")]),
        fate=fates,
    )
    def require_or_no_longer(self, pair: tuple[str, str], fate: str) -> None:
        competency, requires = (self.world.codes[code] for code in pair)
        row = Prerequisite.objects.filter(
            competency=competency, requires=requires, until__isnull=True
        ).first()
        if row is not None:
            self._try(partial(end_prerequisite, actor=None, prerequisite=row), fate)
            return
        competency.refresh_from_db()
        requires.refresh_from_db()
        save = partial(add_prerequisite, actor=None, competency=competency, requires=requires)
        self._try(save, fate)

    @rule(tree=st.integers(0, len(TREES) - 1), fate=fates)
    def load_another_tree(self, tree: int, fate: str) -> None:
        self._try(partial(load_tree, self.world.folder, TREES[tree]), fate)

    @rule(
        lines=st.lists(
            st.tuples(st.integers(1, 4), st.sampled_from(("A", "B", "R")), st.integers(1, 3), days),
            min_size=1,
            max_size=4,
            unique_by=lambda line: line[0],
        )
    )
    def import_evidence(self, lines: list[tuple[int, str, int, date]]) -> None:
        file = self.world.folder / "evidence.csv"
        rows = [
            f"e{key},{1 + key % 2},{code},{value},{day},Sheet {key}"
            for key, code, value, day in lines
        ]
        header = "external_id,student,competency,points,demonstrated_on,assessment"
        file.write_text("\n".join([header, *rows]))
        devnull = (self.world.folder / "said").open("w")
        with suppress(CommandError), devnull:
            call_command(
                "import_evidence", str(file), district="harbour", stdout=devnull, stderr=devnull
            )

    # what the machinery does

    @rule(twice=st.booleans())
    def drain(self, twice: bool) -> None:
        drain()
        if twice:
            drain()

    @precondition(lambda self: self.crashed < MOST_CRASHES)
    @rule(point=st.sampled_from(["claim", "lock", "recompute", "finish"]), alone=st.booleans())
    def drain_and_crash(self, point: str, alone: bool) -> None:
        claimed = queue.claim(suspects=alone)
        self.crashed += bool(claimed.pairs)
        with suppress(Crash), transaction.atomic():
            if point == "claim" or not claimed.pairs:
                raise Crash
            locked = lock_students(claimed.students)
            if point != "lock":
                done = recompute(claimed.pairs, locked=locked)
                assert not done.failed
            if point == "finish":
                queue.finish(claimed, claimed.pairs, locked=locked)
            raise Crash

    @precondition(lambda self: self.crashed < MOST_CRASHES)
    @rule(alone=st.booleans())
    def work_slowly(self, alone: bool) -> None:
        """Claim now and work later, whatever happens in between, the end of the lease too."""
        if self.held is None:
            self.held = queue.claim(suspects=alone)
            self.crashed += bool(self.held.pairs)
            return
        held, self.held = self.held, None
        with transaction.atomic():
            locked = lock_students(held.students)
            done = recompute(held.pairs, locked=locked)
            assert not done.failed
            queue.finish(held, held.pairs, locked=locked)

    @rule(what=st.sampled_from(["leases", "sweep", "recompute"]))
    def time_passes(self, what: str) -> None:
        if what == "leases":
            RecomputeRequest.objects.filter(lease_until__isnull=False).update(
                lease_until=database_clock() - timedelta(seconds=1)
            )
        elif what == "sweep":
            sweep()
        else:  # as the operator's command does
            pairs = set(MasteryState.objects.values_list("student_id", "competency_id"))
            students = [student.pk for student in self.world.students]
            with transaction.atomic():
                recompute(pairs, locked=lock_students(students))

    @rule()
    def quieten(self) -> None:
        self._is_quiet_and_right()

    # what must hold

    @invariant()
    def nothing_goes_wrong_unseen(self) -> None:
        for record in self.watch.said:
            pair = record.args[0] if isinstance(record.args, tuple) and record.args else None
            assert isinstance(pair, tuple), record.getMessage()
            assert pair[1] in self._told_anew(), record.getMessage()

    @invariant()
    def whoever_does_not_wait_is_right(self) -> None:
        now = database_clock()
        behind = self._behind(now)
        wrong = [line for line in self._mismatches(now) if _pair(line) not in behind]
        assert not wrong, "\n".join(wrong)

    @invariant()
    def advancements_are_only_added(self) -> None:
        columns = [field.attname for field in Advancement._meta.concrete_fields]
        rows = Advancement.objects.order_by("student", "competency", "number")
        now = {row[0]: row for row in rows.values_list(*columns)}
        assert self.advancements.items() <= now.items()
        numbers: dict[oracle.Pair, int] = {}
        for row in rows:
            pair = (row.student_id, row.competency_id)
            numbers[pair] = numbers.get(pair, 0) + 1
            assert row.number == numbers[pair]
        self.advancements = now

    @invariant()
    def what_was_recorded_stays(self) -> None:
        now = {
            (name, row["id"]): row
            for name, rows in (("e", Evidence.objects), ("r", Rating.objects))
            for row in rows.values()
        }
        for key, before in self.rows.items():
            after = now[key]
            changed = {name for name in before if before[name] != after[name]}
            assert changed <= SET_ONCE, (key, changed)
            assert all(before[name] is None for name in changed), (key, changed)
        self.rows = now

    # helpers

    def _try(self, save: Callable[[], Any], fate: str) -> None:
        """
        Do it; or all but the deciding; or all of it and lose it before the commit.

        A refusal changes nothing.
        """
        follow.DECIDE_AT_ONCE = 0 if fate == "not decided" else AT_ONCE
        with suppress(Crash, *REFUSALS), transaction.atomic():
            save()
            if fate == "crash":
                raise Crash

    def _is_quiet_and_right(self) -> None:
        """Let the queue and the clock do what they ask for; then everything equals a replay."""
        time.sleep(2 * SOON.total_seconds())
        sweep()
        for _ in range(20):
            drain()
            if not RecomputeRequest.objects.exists():
                break
            RecomputeRequest.objects.update(not_before=database_clock(), lease_until=None)
        assert not RecomputeRequest.objects.exists(), list(RecomputeRequest.objects.values())
        now = database_clock()
        wrong = self._mismatches(now)
        assert not wrong, "\n".join(wrong)
        self.nothing_goes_wrong_unseen()
        self.crashed, self.held = 0, None
        self.instants.append((now, _stored()))

    def _earlier_instants_are_told_as_they_were(self) -> None:
        for at, stored in self.instants[-4:]:
            for student in self.world.students:
                told = standings(student, [row.pk for row in self.world.codes.values()], at)
                for competency, standing in told.items():
                    if competency in self._told_anew():
                        continue
                    before = stored.get((student.pk, competency), _NOTHING)
                    assert _told(standing) == before, (at, self.world.by_id[competency])

    def _mismatches(self, at: datetime) -> list[str]:
        told_anew = self._told_anew()
        return [
            line
            for line in oracle.mismatches(connection, at, district=self.world.district.pk)
            if not (pair := _pair(line)) or pair[1] not in told_anew
        ]

    def _behind(self, now: datetime) -> set[oracle.Pair]:
        """Return the pairs that wait, and those that follow from one that does."""
        waiting = set(RecomputeRequest.objects.values_list("student_id", "competency_id"))
        due = MasteryState.objects.filter(valid_until__lte=now)
        waiting |= set(due.values_list("student_id", "competency_id"))
        above = self._above()
        found: set[oracle.Pair] = set()
        while waiting:
            found |= waiting
            waiting = {(s, up) for s, c in waiting for up in above.get(c, ())} - found
        return found

    def _told_anew(self) -> set[int]:
        above, waiting, found = self._above(), set(self.flipped), set()
        while waiting:
            found |= waiting
            waiting = {up for number in waiting for up in above.get(number, ())} - found
        return found

    def _above(self) -> dict[int, set[int]]:
        """Return what each competency ever was part of, or opened."""
        found: dict[int, set[int]] = {}
        edges = ParentEdge.objects.filter(parent__isnull=False).values_list("child", "parent")
        links = Prerequisite.objects.values_list("requires", "competency")
        for below, above in (*edges, *links):
            found.setdefault(below, set()).add(above)
        return found

    def _piece(self, **said: Any) -> NewPiece:
        quiz = said["title"] == "quiz"
        return NewPiece(
            student_id=self.world.students[said["student"]].pk,
            ratings=[
                NewRating(
                    competency_id=self.world.codes[code].pk,
                    points=said["points"] if said["mark"] == Mark.RATED else None,
                    mark=said["mark"],
                )
                for code in said["codes"]
            ],
            demonstrated_on=said["day"],
            assessment=self.world.quiz if quiz else None,
            title="" if quiz else said["title"],
            conditions=said["conditions"],
            purpose=said["purpose"],
            released=said["released"],
        )

    def _rating(self, number: int) -> int:
        return self._one(Rating.objects.order_by("-pk"), number).pk

    def _one(self, rows: Any, number: int) -> Any:
        found = list(rows)
        return found[number % len(found)]

    def _unconfirmed(self) -> Any:
        return Evidence.objects.filter(by_substitute=True, confirmed_at__isnull=True)


_TOLD = ("decision", "basis", "level", "shown_level", "counted", "not_counted", "mastered_on")
_NOTHING = ("no_evidence",)


def _stored() -> dict[oracle.Pair, Any]:
    rows = MasteryState.objects.values_list("student_id", "competency_id", *_TOLD)
    return {
        (row[0], row[1]): _NOTHING if row[2] == "no_evidence" and not row[7] else tuple(row[2:])
        for row in rows
    }


def _told(standing: Standing) -> tuple[Any, ...]:
    if standing.by_children and standing.rollup:
        out = standing.rollup.outcome
        rated = len({rating.piece for rating in standing.logs.ratings})
        said: tuple[Any, ...] = (
            *(str(out.decision), str(out.basis), None, None, 0, rated, out.mastered_on),
        )
    elif standing.outcome:
        state = standing.outcome.state
        said = (
            *(str(state.decision), str(state.basis), state.level, state.shown.level),
            *(state.counted, state.not_counted, state.mastered_on),
        )
    else:
        return _NOTHING
    return _NOTHING if said[0] == "no_evidence" and not said[5] else said


def _pair(line: str) -> oracle.Pair | None:
    """Return the pair that a line of the oracle is about."""
    student, competency = line[1 : line.index(")")].split(", ")
    return int(student), int(competency)
