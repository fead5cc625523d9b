"""Files of evidence, good and bad."""

from datetime import date
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from assessments.actions import correct_rating, void_rating
from assessments.models import Evidence, Rating
from competencies.actions.policies import Place, place_policy
from mastery.actions.drain import drain
from mastery.models import MasteryState, RecomputeRequest
from students.models import Job, User
from tests import factories

pytestmark = pytest.mark.django_db

HEADER = "external_id,student,competency,points,demonstrated_on"


@pytest.fixture
def harbour():
    """A district with Ana (7) and Ben (8), two competencies, and a person."""
    district = factories.make_district(code="harbour")
    factories.make_student(district=district, number="7")
    factories.make_student(district=district, number="8")
    framework = factories.make_framework()
    for code in ("FR.1", "FR.2"):
        factories.make_competency(framework=framework, code=code)
    factories.make_competency(framework=framework, code="FR", is_rated=False)
    factories.make_user(district=district, sign_in_name="rosa@harbour", username="rosa")
    return district


def load(tmp_path, text, *, dry_run=False, raw=None):
    file = tmp_path / "evidence.csv"
    file.write_bytes(raw if raw is not None else text.encode())
    out = StringIO()
    arguments = ["--dry-run"] if dry_run else []
    call_command(
        "import_evidence",
        str(file),
        "--district",
        "harbour",
        *arguments,
        stdout=out,
        stderr=StringIO(),
    )
    return out.getvalue()


def refused(tmp_path, text="", raw=None):
    file = tmp_path / "evidence.csv"
    file.write_bytes(raw if raw is not None else text.encode())
    out = StringIO()
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command(
            "import_evidence", str(file), "--district", "harbour", stdout=out, stderr=StringIO()
        )
    assert not Rating.objects.exists()
    assert not Evidence.objects.exists()
    assert not RecomputeRequest.objects.exists()
    return out.getvalue()


def rows_written():
    """Every row's version: what a second import must leave as it was."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 'e', id, xmin::text FROM assessments_evidence UNION ALL"
            " SELECT 'r', id, xmin::text FROM assessments_rating ORDER BY 1, 2"
        )
        return cursor.fetchall()


def test_a_file_is_recorded_and_decided_by_the_queue(harbour, tmp_path):
    said = load(
        tmp_path,
        f"{HEADER},assessment,kind,conditions,application,assessor,comment\n"
        "q1,7,FR.1,3,2026-03-02,Quiz one,quiz,independent,true,rosa,neat\n"
        "q1,7,FR.2,2.5,2026-03-02,Quiz one,quiz,independent,true,rosa,\n"
        "q2,7,FR.1,3,2026-03-09,Quiz two,quiz,,,,\n",
    )

    assert "pieces" in said
    assert "ratings" in said
    assert Evidence.objects.count() == 2
    assert set(Rating.objects.values_list("points", flat=True)) == {Decimal(3), Decimal("2.5")}
    assert Rating.objects.filter(assessor=User.objects.get(username="rosa")).count() == 2
    assert not MasteryState.objects.exists()

    drain()

    assert MasteryState.objects.get(competency__code="FR.1").decision == "mastered"
    assert MasteryState.objects.get(competency__code="FR.2").decision == "not_yet"
    assert Job.objects.get().state == "done"


def test_loading_it_again_changes_nothing(harbour, tmp_path):
    text = f"{HEADER}\nq1,7,FR.1,3,2026-03-02\nq2,8,FR.1,2,2026-03-02\n"
    load(tmp_path, text)
    drain()
    before = rows_written()

    said = load(tmp_path, text)

    assert rows_written() == before
    assert not RecomputeRequest.objects.exists()
    assert "2" in said.splitlines()[-2]


def test_a_dry_run_says_the_same_and_writes_nothing(harbour, tmp_path):
    text = f"{HEADER}\nq1,7,FR.1,3,2026-03-02\n"

    tried = load(tmp_path, text, dry_run=True)

    assert not Rating.objects.exists()
    assert not Job.objects.exists()
    done = load(tmp_path, text)
    assert tried.splitlines()[:-1] == done.splitlines()[:-1]


def test_what_the_file_says_otherwise_is_a_correction(harbour, tmp_path):
    load(tmp_path, f"{HEADER}\nq1,7,FR.1,3,2026-03-02\nq1,7,FR.2,3,2026-03-02\n")

    load(tmp_path, f"{HEADER}\nq1,7,FR.1,2,2026-03-02\nq1,7,FR.2,3,2026-03-02\n")

    chain = Rating.objects.filter(competency__code="FR.1").order_by("pk")
    assert [rating.points for rating in chain] == [Decimal(3), Decimal(2)]
    assert chain[1].replaces == chain[0].pk
    assert chain[1].first_recorded_at == chain[0].recorded_at
    assert Rating.objects.filter(competency__code="FR.2").count() == 1


def test_a_corrected_day_moves_every_rating_of_the_piece(harbour, tmp_path):
    load(tmp_path, f"{HEADER}\nq1,7,FR.1,3,2026-03-02\nq1,7,FR.2,3,2026-03-02\n")

    load(tmp_path, f"{HEADER}\nq1,7,FR.1,3,2026-03-05\nq1,7,FR.2,4,2026-03-05\n")

    now = Rating.objects.filter(replaces__isnull=False).order_by("competency__code")
    assert [rating.demonstrated_on for rating in now] == [date(2026, 3, 5)] * 2
    assert [rating.points for rating in now] == [Decimal(3), Decimal(4)]
    assert Evidence.objects.get(replaces__isnull=False).piece == Evidence.objects.first().pk
    before = rows_written()
    load(tmp_path, f"{HEADER}\nq1,7,FR.1,3,2026-03-05\nq1,7,FR.2,4,2026-03-05\n")
    assert rows_written() == before


def test_what_a_person_corrected_or_voided_since_stays(harbour, tmp_path):
    text = f"{HEADER}\nq1,7,FR.1,3,2026-03-02\nq2,7,FR.1,3,2026-03-03\n"
    load(tmp_path, text)
    first, second = Rating.objects.order_by("pk")
    correct_rating(actor=None, rating_id=first.pk, points=Decimal(4))
    void_rating(actor=None, rating_id=second.pk, reason="copied")
    before = rows_written()

    load(tmp_path, text)

    assert rows_written() == before


def test_what_a_person_corrected_stays_when_the_file_moves_the_piece(harbour, tmp_path):
    load(tmp_path, f"{HEADER}\nq1,7,FR.1,2,2026-03-02\n")
    correct_rating(actor=None, rating_id=Rating.objects.get().pk, points=Decimal(3))
    moved = f"{HEADER}\nq1,7,FR.1,2,2026-03-05\n"

    load(tmp_path, moved)

    assert Rating.objects.latest("pk").points == Decimal(3)
    before = rows_written()
    load(tmp_path, moved)
    assert rows_written() == before


def test_a_rating_that_moves_along_is_judged_by_the_rule_of_the_new_day(harbour, tmp_path):
    load(tmp_path, f"{HEADER}\nq1,7,FR.1,3,2026-03-02\nq1,7,FR.2,3,2026-03-02\n")
    steady = factories.preset("steady")
    placed = place_policy(actor=None, district=harbour, version=steady, place=Place())

    today = placed.starts_at.date()
    load(tmp_path, f"{HEADER}\nq1,7,FR.1,3,{today}\n")

    moved = Rating.objects.filter(replaces__isnull=False)
    assert {row.policy_version_id for row in moved} == {steady.pk}
    assert moved.count() == 2


def test_every_wrong_cell_is_named_by_row_and_column(harbour, tmp_path):
    said = refused(
        tmp_path,
        f"{HEADER},mark,kind\n"
        "a,7,FR.1,3,2026-03-02,,\n"
        "b,99,FR.1,3,2026-03-02,,\n"
        "c,7,FR.9,3,2026-03-02,,\n"
        'd,7,FR.1,"2,5",2026-03-02,,\n'
        "e,7,FR.1,5,2026-03-02,,\n"
        "f,7,FR.1,3,02/03/2026,,\n"
        "g,7,FR.1,3,2199-01-01,,\n"
        "h,7,FR.1,,2026-03-02,,\n"
        "i,7,FR.1,3,2026-03-02,missed,\n"
        "j,7,FR.1,3,2026-03-02,,essay\n"
        "k,7,FR,3,2026-03-02,,\n"
        ",7,FR.1,3,2026-03-02,,\n"
        "l,7,FR.1\n"
        "a,7,FR.1,3,2026-03-02,,\n"
        "a,8,FR.2,3,2026-03-02,,\n",
    )

    lines = said.splitlines()
    for row, column, words in [
        (3, "student", "no student “99”"),
        (4, "competency", "no competency “FR.9”"),
        (5, "points", "Write a point, not a comma"),
        (6, "points", "from 0 to 4"),
        (7, "demonstrated_on", "year-month-day"),
        (8, "demonstrated_on", "future"),
        (9, "points", "Give the points"),
        (10, "points", "carries no points"),
        (11, "kind", "not one of"),
        (12, "competency", "headings"),
        (13, "external_id", "identifier"),
        (14, "", "3 fields"),
        (15, "external_id", "Row 2 rates the same piece"),
        (16, "external_id", "Row 2 has the same external_id"),
    ]:
        place = f"evidence.csv:{row}" + (f" [{column}]" if column else "")
        assert any(line.startswith(place) and words in line for line in lines), (row, said)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (HEADER.encode() + b"\n", "no rows"),
        (HEADER.replace(",", ";").encode() + b"\nq;7;FR.1;3;2026-03-02\n", "semicolons"),
        (f"{HEADER}\nq,7,FR.1,3,2026-03-02\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04rest", "a zip or a spreadsheet"),
        (b'{"a": 1}', "JSON"),
        (b"student,points\n7,3\n", "missing"),
        (f"{HEADER},colour\nq,7,FR.1,3,2026-03-02,red\n".encode(), "no such column"),
        (f'{HEADER}\nq,7,FR.1,3,"2026-03-02\n'.encode(), "quotes"),
        (f"{HEADER}\nq,7,FR.1,3,2026-03-02\nk,7,\xe9,3,2026-03-02\n".encode("latin-1"), "UTF-8"),
    ],
)
def test_a_file_that_is_something_else_is_named_as_what_it_is(harbour, tmp_path, raw, words):
    said = refused(tmp_path, raw=raw)

    assert words in said
    assert len([line for line in said.splitlines() if "warning" not in line]) <= 3


def test_the_same_number_of_queries_for_one_row_and_for_thirty(
    harbour, tmp_path, django_assert_max_num_queries
):
    def cost(first, count):
        rows = "".join(f"q{first + i},7,FR.1,3,2026-03-02\n" for i in range(count))
        with django_assert_max_num_queries(1000) as seen:
            load(tmp_path, f"{HEADER}\n{rows}")
        return len(seen)

    cost(0, 1)
    assert cost(100, 1) == cost(200, 30)
