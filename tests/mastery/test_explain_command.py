"""``explain`` prints what the query tells, and says what is wrong with what it was given."""

import json
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from assessments.actions import NewPiece, NewRating, record_evidence
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def fractions():
    """Ana, number 7 in the district harbour, with one piece on fractions."""
    district = factories.make_district(code="harbour")
    ana = factories.make_student(district=district, number="7")
    fractions = factories.make_competency(code="NS.1")
    record_evidence(
        actor=None,
        district=district,
        pieces=[
            NewPiece(
                student_id=ana.pk,
                ratings=[NewRating(competency_id=fractions.pk, points=Decimal(3))],
                demonstrated_on=date(2026, 3, 2),
                title="Bridge",
            )
        ],
    )
    return fractions


def test_the_text_tells_the_decision_and_its_evidence(fractions, capsys):
    call_command("explain", "7", "NS.1")

    out = capsys.readouterr().out
    assert "(7): NS.1" in out
    assert "Not yet" in out
    assert "2026-03-02 Bridge: Proficient (3)" in out


def test_the_json_can_be_read_by_a_program(fractions, capsys):
    call_command("explain", "7", str(fractions.identifier), "--format", "json")

    said = json.loads(capsys.readouterr().out)
    assert said["ratings"]["counted"][0]["task"] == "Bridge"


def test_a_day_before_the_evidence_knows_of_none(fractions, capsys):
    call_command("explain", "7", "NS.1", "--as-of", "2020-01-01")

    assert "No evidence yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["8", "NS.1"], "No student has"),
        (["7", "NS.9"], "No competency has"),
        (["7", "NS.1", "--framework", "Art"], "No framework is called Art"),
        (["7", "NS.1", "--district", "hill"], "No district has the code hill"),
        (["7", "NS.1", "--as-of", "soon"], "is no day and no instant"),
        (["7", "NS.1", "--as-of", "2999-01-01"], "is in the future"),
        (["7", "NS.1", "--format", "yaml"], "invalid choice: 'yaml'"),
    ],
)
def test_what_is_wrong_is_said(fractions, words, message):
    with pytest.raises(CommandError, match=message):
        call_command("explain", *words)
