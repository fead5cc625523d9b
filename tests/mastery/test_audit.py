"""The audit finds what was tampered with, and healing brings it back from the logs."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from assessments.actions import NewPiece, NewRating, record_evidence
from mastery.actions.drain import drain
from mastery.models import Advancement, MasteryState, Opening
from tests import factories
from tests.roles import as_owner

pytestmark = pytest.mark.django_db


def run(command, *arguments):
    out = StringIO()
    call_command(command, *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.fixture
def ana():
    """Ana mastered fractions, which decides its heading and opened ratios."""
    district = factories.make_district(code="harbour")
    ana = factories.make_student(district=district, number="7")
    heading = factories.make_competency(code="N", is_rated=False)
    fractions = factories.make_competency(code="N.1", parent=heading)
    ratios = factories.make_competency(code="N.2", framework=heading.framework)
    factories.make_prerequisite(competency=ratios, requires=fractions)
    for title in ("Quiz", "Project"):
        record_evidence(
            actor=None,
            district=district,
            pieces=[
                NewPiece(
                    student_id=ana.pk,
                    ratings=[NewRating(competency_id=fractions.pk, points=Decimal(3))],
                    demonstrated_on=factories.DAY,
                    title=title,
                )
            ],
        )
    drain()
    return ana


def test_a_clean_district_passes(ana):
    said = run("audit_states", "--replay")

    assert "3 pairs checked, 0 differ" in said


@pytest.mark.parametrize("column", ["decision", "level", "mastered_on", "unmet", "valid_until"])
def test_a_changed_column_is_named_and_healed(ana, column):
    wrong = {
        "decision": "not_yet",
        "level": 1,
        "mastered_on": None,
        "unmet": ["level"],
        "valid_until": factories.INSTANT,
    }[column]
    MasteryState.objects.filter(student=ana, competency__code="N.1").update(**{column: wrong})
    before = MasteryState.objects.get(student=ana, competency__code="N").decision

    with pytest.raises(CommandError, match="--heal"):
        run("audit_states")
    said = run("audit_states", "--heal")

    assert f": {column}" in said
    assert "1 healed" in said
    assert "0 differ" in run("audit_states", "--replay")
    assert MasteryState.objects.get(student=ana, competency__code="N").decision == before


def test_a_missing_state_is_found_and_healed(ana):
    MasteryState.objects.filter(competency__code="N").delete()

    assert "1 healed" in run("audit_states", "--heal")
    assert MasteryState.objects.filter(competency__code="N", decision="mastered").exists()


def test_a_missing_opening_is_found_by_the_replay(ana):
    Opening.objects.all().delete()

    assert "0 differ" in run("audit_states")
    with pytest.raises(CommandError):
        run("audit_states", "--replay")
    run("audit_states", "--replay", "--heal")

    assert Opening.objects.get().competency.code == "N.2"


def test_an_advancement_that_somebody_took_away_is_found_by_the_replay(ana):
    with as_owner():
        Advancement.objects.filter(competency__code="N.1").delete()

    with pytest.raises(CommandError):
        run("audit_states", "--replay")


def test_pairs_that_wait_in_the_queue_are_not_called_wrong(ana):
    factories.make_request(
        student_id=ana.pk,
        competency_id=MasteryState.objects.get(competency__code="N.1").competency_id,
        district_id=ana.district_id,
    )
    MasteryState.objects.filter(competency__code="N.1").update(decision="not_yet")

    assert "0 differ, 0 healed, 1 wait" in run("audit_states", "--student", "7")


def test_recompute_brings_everything_back_and_a_second_time_changes_nothing(ana):
    MasteryState.objects.all().delete()

    assert "2 changed" in run("recompute", "--district", "harbour")
    assert "3 pairs looked at, 0 changed, 0 failed." in run("recompute")


@pytest.mark.parametrize(
    "arguments", [["--district", "nowhere"], ["--student", "99"], ["--framework", "nothing"]]
)
def test_a_scope_that_is_not_there_is_said_so(ana, arguments):
    with pytest.raises(CommandError):
        run("recompute", *arguments)
