"""
One place for each job, checked by reading the code.

Import contracts (pyproject.toml) say who may import whom; this says where three things are done:
writing, asking what somebody is, and making files. An exception has its reason beside it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APPS = ("students", "competencies", "assessments", "mastery")

WRITING = {"save", "create", "create_user", "get_or_create", "update_or_create", "delete"}
WRITING |= {"bulk_create", "bulk_update", "asave", "acreate", "adelete", "abulk_create"}
# Of dicts and hashes too: a write only where the receiver is a query.
WRITING_OF_QUERIES = {"update", "aupdate"}
QUERY = re.compile(r"\b(objects|_base_manager|filter|exclude|all)\b")
WRITING_SQL = re.compile(r"\s*(INSERT INTO|UPDATE|DELETE FROM|TRUNCATE|COPY \w+.* FROM)\b")
MAY_WRITE = {
    "students/models/people.py": "Django asks the manager of the user model to make a user",
}

RELATIONSHIPS = {"TeachingAssignment", "Guardianship", "SchoolRole", "Caseload"}
RELATIONSHIPS |= {"Restriction", "Elevation"}
# Names that lead to them, and Django's own ways of asking what somebody is.
LOOKING_UP = {"teaching", "guardianships", "school_roles", "caseload", "caseloads"}
LOOKING_UP |= {"restrictions", "elevations", "is_staff", "is_superuser", "has_perm", "has_perms"}
MAY_LOOK_UP = {
    "students/actions/roster/": "the roster says who is what; it writes the rows, asks nothing",
    "students/queries/roster_export.py": "the export gives the same rows back",
}

MAY_WRITE_CSV = {
    "students/oneroster/writer.py": "OneRoster packages, which other systems read",
    "mastery/exports.py": "tables, which people open in a spreadsheet",
    "assessments/management/commands/make_sample.py": "evidence files to try the import with",
}


def _files() -> Iterator[tuple[str, ast.Module]]:
    for app in (*APPS, "config"):
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def _is(job: str, name: str) -> bool:
    """Test if file ``name`` is an app's ``job``: ``app/job.py`` or inside ``app/job/``."""
    return name.split("/")[1] in (job, f"{job}.py")


def _excused(name: str, exceptions: dict[str, str]) -> bool:
    return any(name == path or name.startswith(path) for path in exceptions)


def _writes(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            receiver = ast.unparse(node.func.value)
            of_query = node.func.attr in WRITING_OF_QUERIES and QUERY.search(receiver)
            if node.func.attr in WRITING or of_query:
                yield node
        elif isinstance(node, ast.Constant) and WRITING_SQL.match(str(node.value)):
            yield node


def _look_ups(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.alias(name=name) if name in RELATIONSHIPS:
                yield node
            case ast.Attribute(attr=name) if name in RELATIONSHIPS | LOOKING_UP:
                yield node
            case ast.keyword(arg=str(name)) | ast.Constant(value=str(name)):
                # A path such as section__teaching__user; a word of its own is just a word.
                if "__" in name and LOOKING_UP & set(name.split("__")):
                    yield node
            case _:
                pass


def _csv_writers(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="csv"), attr="writer" | "DictWriter"):
                yield node
            case ast.ImportFrom(module="csv"):
                yield node
            case _:
                pass


def test_only_actions_write():
    found = [
        f"{name}:{node.lineno}: {ast.unparse(node)[:80]}"
        for name, tree in _files()
        if not _is("actions", name) and not _excused(name, MAY_WRITE)
        for node in _writes(tree)
    ]

    assert found == []


def test_only_permissions_ask_what_somebody_is():
    found = [
        f"{name}:{node.lineno}: {ast.unparse(node)[:80]}"
        for name, tree in _files()
        if not _is("permissions", name)
        and not _is("models", name)
        and not _excused(name, MAY_LOOK_UP)
        for node in _look_ups(tree)
    ]

    assert found == []


def test_a_file_format_is_written_in_one_place():
    found = {name for name, tree in _files() for _ in _csv_writers(tree)}

    assert found <= MAY_WRITE_CSV.keys()


@pytest.mark.parametrize("exceptions", [MAY_WRITE, MAY_LOOK_UP], ids=["writing", "looking up"])
def test_every_exception_is_still_needed(exceptions):
    look_for = _writes if exceptions is MAY_WRITE else _look_ups
    needed = {
        path
        for path in exceptions
        for name, tree in _files()
        if name.startswith(path) and any(look_for(tree))
    }

    assert needed == exceptions.keys()


@pytest.mark.parametrize(
    ("look_for", "code"),
    [
        (_writes, "rating.save()"),
        (_writes, "Rating.objects.filter(pk=1).update(mark=2)"),
        (_writes, "cursor.execute('DELETE FROM mastery_plan')"),
        (_look_ups, "user.teaching.exists()"),
        (_look_ups, "from students.models import SchoolRole"),
        (_look_ups, "Section.objects.filter(teaching__user=user)"),
        (_look_ups, "if user.is_superuser: pass"),
        (_csv_writers, "csv.writer(out)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_looked_for_is_found(look_for, code):
    assert list(look_for(ast.parse(code)))
