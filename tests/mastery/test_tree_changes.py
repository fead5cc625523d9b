"""What a student reached does not depend on when the queue was worked off, nor is it retold."""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from assessments.actions import NewPiece, NewRating, record_evidence
from competencies.actions.policies import Place, place_policy, set_rollup_rule
from competencies.actions.prerequisites import add_prerequisite, end_prerequisite
from mastery.actions import follow
from mastery.actions.drain import drain
from mastery.models import Advancement, MasteryState, Opening
from tests import oracle
from tests.mastery.world import World, load_tree, make_world

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 3, 2)


@pytest.fixture
def world() -> Iterator[World]:
    made = make_world()
    yield made
    shutil.rmtree(made.folder)


def show(world: World, code: str, *points: int) -> None:
    for step, number in enumerate(points):
        rating = NewRating(competency_id=world.codes[code].pk, points=Decimal(number))
        piece = NewPiece(
            student_id=world.students[0].pk,
            ratings=[rating],
            demonstrated_on=MONDAY + timedelta(days=step),
            title=f"Task {step}",
        )
        record_evidence(actor=None, district=world.district, pieces=[piece])


def log_of(world: World, code: str) -> list[str]:
    rows = Advancement.objects.filter(competency=world.codes[code]).order_by("number")
    return list(rows.values_list("kind", flat=True))


def test_what_moves_out_of_a_subtree_keeps_what_its_policy_gave_and_leaves_the_policy(
    world, caplog
):
    quick = world.versions[1]
    place_policy(
        actor=None,
        district=world.district,
        version=quick,
        place=Place(competency=world.codes["H"], subtree=True),
        mode="recompute",
    )
    show(world, "C", 3, 1, 3)
    drain()

    load_tree(world.folder, {"C": ("framework",)})
    drain()

    state = MasteryState.objects.get(competency=world.codes["C"])
    assert state.decision == "mastered"
    assert state.policy_version_id != quick.pk
    assert oracle.mismatches(connection) == []
    assert caplog.text == ""


def test_what_moves_below_a_policy_that_recomputes_is_judged_by_it_from_then_on(world, caplog):
    place_policy(
        actor=None,
        district=world.district,
        version=world.versions[1],
        place=Place(competency=world.codes["R"], subtree=True),
        mode="recompute",
    )
    show(world, "C", 3, 1, 3)
    drain()
    assert log_of(world, "C") == []

    load_tree(world.folder, {"C": ("R",)})
    drain()

    assert log_of(world, "C") == ["mastered"]
    assert oracle.mismatches(connection) == []
    assert caplog.text == ""


def test_what_opened_before_another_prerequisite_came_is_open_however_late_the_queue_is(world):
    add_prerequisite(actor=None, competency=world.codes["S"], requires=world.codes["A"])
    show(world, "A", 3, 3)

    add_prerequisite(actor=None, competency=world.codes["S"], requires=world.codes["B"])
    drain()

    mastered = Advancement.objects.get(competency=world.codes["A"])
    assert Opening.objects.get(competency=world.codes["S"]).opened_at == mastered.decided_at


def test_the_end_of_the_last_unmet_prerequisite_opens_at_that_instant(world):
    add_prerequisite(actor=None, competency=world.codes["S"], requires=world.codes["A"])
    unmet = add_prerequisite(actor=None, competency=world.codes["S"], requires=world.codes["B"])
    show(world, "A", 3, 3)
    drain()

    end_prerequisite(actor=None, prerequisite=unmet)
    drain()

    unmet.refresh_from_db()
    assert Opening.objects.get(competency=world.codes["S"]).opened_at == unmet.until
    assert oracle.mismatches(connection) == []


def test_a_part_that_waits_while_it_leaves_still_counts_for_the_time_before(
    world, monkeypatch, caplog
):
    set_rollup_rule(
        actor=None,
        district=world.district,
        competency=world.codes["H"],
        rule="k_of_n",
        k=1,
    )
    monkeypatch.setattr(follow, "DECIDE_AT_ONCE", 0)
    show(world, "C", 3, 3)
    monkeypatch.undo()
    load_tree(world.folder, {"C": ("framework",)})
    show(world, "A", 3)

    drain()

    assert log_of(world, "H") == ["mastered", "reopened"]
    assert oracle.mismatches(connection) == []
    assert caplog.text == ""


def test_a_competency_handed_to_children_without_evidence_is_no_longer_mastered(world):
    show(world, "R", 3, 3)

    set_rollup_rule(actor=None, district=world.district, competency=world.codes["R"], rule="all")
    drain()
    assert not MasteryState.objects.filter(competency=world.codes["R"]).exists()
    assert log_of(world, "R") == ["mastered", "reopened"]

    set_rollup_rule(
        actor=None,
        district=world.district,
        competency=world.codes["R"],
        rule="all",
        children_decide=False,
    )
    drain()
    drain()

    assert MasteryState.objects.get(competency=world.codes["R"]).decision == "mastered"
    assert log_of(world, "R") == ["mastered", "reopened", "mastered"]
