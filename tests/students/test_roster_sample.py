"""The made-up school is one that the strictest reader takes, and always the same."""

import csv
import io
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from students.models import District, User
from tests.factories import make_competency
from tests.students.rosters import contents
from tests.students.test_oneroster import read

pytestmark = pytest.mark.django_db


@pytest.fixture
def framework(db):
    first = make_competency(code="A.1")
    for number in range(2, 31):
        make_competency(code=f"A.{number}", framework=first.framework)
    make_competency(code="heading", framework=first.framework, is_rated=False)
    return first.framework


def make(folder, *options):
    call_command("make_sample", "--out", str(folder), *options, stdout=io.StringIO())
    return folder


def rows_of(folder):
    with (folder / "evidence.csv").open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def test_the_school_has_as_many_people_as_asked_and_nothing_to_remark(tmp_path, framework):
    folder = make(tmp_path / "s", "--people", "300", "--ratings", "0")

    roster, codes = read(folder / "roster", "strict")

    roles = Counter(row["role"] for row in roster.tables["roles"].rows)
    assert codes == set()
    assert len(roster.tables["users"].rows) == 300
    assert (roles["student"], roles["principal"], roles["teacher"]) == (181, 1, 18)


def test_the_same_options_make_the_same_files(tmp_path, framework):
    options = ("--people", "40", "--ratings", "500")
    first, second = make(tmp_path / "1", *options), make(tmp_path / "2", *options)
    other = make(tmp_path / "3", *options, "--seed", "2")

    assert contents(first / "roster") == contents(second / "roster")
    assert (first / "evidence.csv").read_bytes() == (second / "evidence.csv").read_bytes()
    assert (first / "evidence.csv").read_bytes() != (other / "evidence.csv").read_bytes()


def test_evidence_is_what_was_asked_for(tmp_path, framework):
    folder = make(tmp_path / "s", "--people", "60", "--ratings", "3000", "--until", "2026-06-26")

    rows = rows_of(folder)
    pairs = Counter((row["student"], row["competency"]) for row in rows)
    marks = Counter(row["mark"] for row in rows)
    points = {Decimal(row["points"]) for row in rows if row["points"]}
    assert len(rows) == len({row["external_id"] for row in rows}) == 3000
    assert 1 <= min(pairs.values()) <= max(pairs.values()) <= 20
    assert 0.01 < 1 - marks["rated"] / 3000 < 0.03
    assert all((row["mark"] == "rated") == bool(row["points"]) for row in rows)
    assert min(points) == 1
    assert max(points) == 4
    assert Decimal("2.5") in points
    assert rows[0]["demonstrated_on"] >= "2024-09-01"
    assert rows[-1]["demonstrated_on"] < "2026-06-26"
    rated = set(framework.competencies.filter(is_rated=True).values_list("identifier", flat=True))
    assert {row["competency"] for row in rows} <= {str(key) for key in rated}


def test_it_loads(tmp_path, framework):
    District.objects.create(code="norte", name="Norte")
    folder = make(tmp_path / "s", "--students", "30", "--ratings", "0", "--subjects", "2")

    call_command(
        "import_roster", str(folder / "roster"), "--district", "norte", stdout=io.StringIO()
    )

    assert User.objects.filter(student__isnull=False).count() == 30


def test_too_many_ratings_for_the_school_are_refused(tmp_path, framework):
    with pytest.raises(CommandError, match="room for"):
        make(tmp_path / "s", "--people", "10", "--ratings", "100000")

    assert not (tmp_path / "s").exists()


def test_a_framework_that_is_not_there_is_refused(tmp_path, framework):
    with pytest.raises(CommandError, match="No framework"):
        make(tmp_path / "s", "--framework", "Latin")


def test_the_framework_can_be_named(tmp_path, framework):
    make_competency(code="B.1")
    day = date(2025, 6, 20).isoformat()
    options = ("--people", "20", "--ratings", "50", "--until", day)

    with pytest.raises(CommandError, match="More than one"):
        make(tmp_path / "s", *options)

    for number, named in enumerate((str(framework.pk), str(framework.identifier))):
        assert len(rows_of(make(tmp_path / str(number), *options, "--framework", named))) == 50
