"""The documents, held against what is there: tables, commands, links, decision records."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands

from config.privileges import APPEND_ONLY
from runner.commands import FOR_DEVELOPMENT, ON_DATA, SERVING

ROOT = Path(__file__).parent.parent
APPS = ("students", "competencies", "assessments", "mastery")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
DATA_MODEL = ROOT / "docs/data-model.md"


def _rows() -> dict[str, str]:
    """Return the rows of docs/data-model.md: table → the whole line."""
    lines = DATA_MODEL.read_text().splitlines()
    found = ((re.match(r"\| `(\w+)` \|", line), line) for line in lines)
    return {match[1]: line for match, line in found if match}


def _tables() -> set[str]:
    models = (apps.get_app_config(app).get_models(include_auto_created=True) for app in APPS)
    return {model._meta.db_table for of_app in models for model in of_app}


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


def test_every_table_is_on_the_page_and_every_table_on_the_page_is_there():
    assert _rows().keys() == _tables()


def test_no_table_is_on_the_page_twice():
    named = re.findall(r"^\| `(\w+)` \|", DATA_MODEL.read_text(), re.MULTILINE)

    assert sorted(set(named)) == sorted(named)


def test_the_page_says_what_is_append_only_and_what_is_set_once():
    said = {table for table, row in _rows().items() if "append-only" in row}
    columns = {
        table: [name for name in names if f"`{name}`" not in _rows()[table]]
        for table, names in APPEND_ONLY.items()
    }

    assert said == APPEND_ONLY.keys()
    assert {table: missing for table, missing in columns.items() if missing} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_on_a_page_exists(page):
    text = page.read_text()
    commands = set(re.findall(r"\./run (?:--data \S+ )?([a-z]+)\b", text))
    managed = set(re.findall(r"\./run manage (?:--data \S+ )?([a-z_]+)\b", text))

    assert commands <= FOR_DEVELOPMENT | ON_DATA | SERVING
    assert managed <= get_commands().keys() | {"help"}


def test_every_command_of_ours_is_on_the_readme():
    ours = {name for name, app in get_commands().items() if app in APPS}
    readme = (ROOT / "README.md").read_text()

    assert {name for name in ours if f"`./run manage {name}`" not in readme} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in _anchors(there)):
            broken.append(target)

    assert broken == []


def test_decision_records_are_numbered_without_gaps():
    records = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [int(record.name[:4]) for record in records]
    titles = [record.read_text().splitlines()[0] for record in records]

    assert numbers == list(range(1, len(records) + 1))
    assert all(t.startswith(f"# {n}. ") for n, t in zip(numbers, titles, strict=True))


def test_every_decision_record_says_what_was_rejected():
    parts = ["Context", "Decision", "Rejected alternatives", "Consequences"]
    records = sorted((ROOT / "docs/decisions").glob("*.md"))

    found = {r.name: re.findall(r"^## (.+)$", r.read_text(), re.MULTILINE) for r in records}

    assert {name: found[name] for name in found if found[name] != parts} == {}


def test_every_page_in_docs_is_linked_from_another_page():
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in PAGES
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text())
        if "://" not in target
    }

    assert [page.name for page in (ROOT / "docs").rglob("*.md") if page not in linked] == []
