"""
The lock order of docs/locks.md, held against the code twice.

Once by reading: every statement that locks is known, sorted, and of the right strength. Once by
watching: within each transaction of the real actions, locks and writes come in the order.
"""

import ast
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction

from assessments.actions import NewPiece, NewRating, correct_rating, record_evidence, void_rating
from assessments.actions.import_evidence import import_evidence
from competencies.actions.policies import Place, place_policy
from competencies.actions.prerequisites import add_prerequisite
from mastery.actions.drain import drain
from mastery.actions.judge import Word, judge
from mastery.models import Judgement
from students.actions import idempotency, locks
from tests import factories

ROOT = Path(__file__).parent.parent
FOLDERS = ("students", "competencies", "assessments", "mastery", "config")

# What locks rows: the clauses of SQL, and what Django writes them for.
CLAUSE = re.compile(
    r"\bFOR\s+(NO\s+KEY\s+)?UPDATE\b|\bFOR\s+(KEY\s+)?SHARE\b|\bSKIP\s+LOCKED\b|\bNOWAIT\b"
    r"|\bLOCK\s+TABLE\b|\bpg_(try_)?advisory",
    re.IGNORECASE,
)
LOCKING_CALLS = {"select_for_update", "update_or_create", "aupdate_or_create"}

ONE, ASCENDING, SKIPS = "one row", "several, ascending", "skips what is locked"
# (file, table or model) → how it locks. Each file is a row of the table in docs/locks.md.
KNOWN = {
    ("students/actions/locks.py", "students_studentlock"): ASCENDING,
    ("students/actions/roster/importing.py", "District"): ONE,
    ("students/actions/roster/exporting.py", "District"): ONE,
    ("competencies/actions/frameworks.py", "Framework"): ONE,
    ("competencies/actions/prerequisites.py", "Framework"): ASCENDING,
    ("mastery/actions/queue.py", "mastery_recomputerequest"): SKIPS,
}


@dataclass(frozen=True)
class Lock:
    """A statement that locks, as it stands in the code."""

    subject: str  # the table of the SQL, or the model of the call; "" for a clause on its own
    text: str
    line: int


def _locks(tree: ast.Module) -> Iterator[Lock]:
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in LOCKING_CALLS:
            yield Lock(_leftmost(node), ast.unparse(_whole_chain(node, parents)), node.lineno)
        elif isinstance(node, ast.JoinedStr):
            yield from _of_sql(ast.unparse(node), node.lineno)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            inside_other = isinstance(parents[node], ast.Expr | ast.JoinedStr)  # or a docstring
            if not inside_other:
                yield from _of_sql(node.value, node.lineno)


def _of_sql(sql: str, line: int) -> Iterator[Lock]:
    for clause in CLAUSE.finditer(sql):
        tables = re.findall(r"\bFROM\s+(\w+_\w+)", sql[: clause.start()])
        yield Lock(tables[-1] if tables else "", sql, line)


def _leftmost(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return ast.unparse(node)


def _whole_chain(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> ast.AST:
    """Return the whole of ``a.b().c()`` of which ``node`` is a part."""
    above = parents[node]
    is_function = isinstance(above, ast.Call) and above.func is node
    if is_function or isinstance(above, ast.Attribute):
        return _whole_chain(above, parents)
    return node


def _wrong(lock: Lock, how: str) -> str | None:
    """Return what is wrong with a known lock, or None."""
    if how == SKIPS:
        return None if "SKIP LOCKED" in lock.text else "it waits, and holds no student"
    if not re.search(r"FOR NO KEY UPDATE|no_key=True", lock.text):
        return "it keeps rows with a foreign key waiting"
    if how == ONE:
        return None
    in_sql = re.search(r"ORDER BY \w+ FOR NO KEY UPDATE", " ".join(lock.text.split()))
    in_call = re.search(r"\.order_by\('\w+'\)", lock.text)
    return None if in_sql or in_call else "several rows are locked, and not by ascending key"


def _all_locks() -> Iterator[tuple[str, Lock]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for lock in _locks(ast.parse(path.read_text())):
                yield str(path.relative_to(ROOT)), lock


def test_every_lock_in_the_code_is_known_and_in_order():
    files = {file for file, _ in KNOWN}
    found = {}
    for file, lock in _all_locks():
        if lock.subject:
            what = KNOWN.get((file, lock.subject))
            found[file, lock.line] = _wrong(lock, what) if what else f"unknown: {lock.subject}"
        elif file not in files:
            found[file, lock.line] = f"unknown: {lock.text}"

    assert {place: wrong for place, wrong in found.items() if wrong} == {}


def test_every_known_lock_is_still_there():
    assert {(file, lock.subject) for file, lock in _all_locks() if lock.subject} == KNOWN.keys()


def test_the_locks_put_together_at_run_time_are_in_order():
    waits, skips = locks._LOCK, locks._LOCK_FREE

    assert _wrong(Lock("", waits, 0), ASCENDING) is None
    assert _wrong(Lock("", skips, 0), ASCENDING) is None
    assert "SKIP LOCKED" not in waits
    assert "SKIP LOCKED" in skips


def test_every_file_that_locks_is_on_the_page():
    page = (ROOT / "docs/locks.md").read_text()

    assert [file for file, _ in KNOWN if f"`{file}`" not in page] == []


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("Framework.objects.select_for_update().filter(pk=1)", ONE),
        ("Framework.objects.select_for_update(no_key=True).filter(pk__in=ids)", ASCENDING),
        ("Framework.objects.select_for_update(no_key=True).order_by('-pk')", ASCENDING),
        ("'SELECT 1 FROM students_studentlock FOR NO KEY UPDATE'", ASCENDING),
        ("'SELECT 1 FROM students_studentlock ORDER BY id DESC FOR NO KEY UPDATE'", ASCENDING),
        ("'SELECT 1 FROM students_studentlock ORDER BY id FOR UPDATE'", ASCENDING),
        ("f'SELECT 1 FROM mastery_recomputerequest WHERE {x} FOR UPDATE'", SKIPS),
    ],
)
def test_a_lock_out_of_order_is_found(code, how):
    (lock,) = _locks(ast.parse(f"x = {code}"))

    assert _wrong(lock, how)


@pytest.mark.parametrize(
    "code",
    [
        "LOCK TABLE mastery_masterystate",
        "SELECT pg_advisory_xact_lock(1)",
        "SELECT 1 FROM mastery_masterystate FOR SHARE",
    ],
)
def test_other_kinds_of_locks_are_found(code):
    (lock,) = _locks(ast.parse(f"cursor.execute({code!r})"))

    assert ("mastery/actions/store.py", lock.subject) not in KNOWN


# Watching the actions: what each statement is, in the order of docs/locks.md.

KEY, PLACE, STUDENTS, LOGS, DERIVED, REQUESTS = range(1, 7)
_WRITES = r"(INSERT INTO|UPDATE|DELETE FROM) \"?({tables})\b"
STATEMENTS = [
    (KEY, r"INSERT INTO students_idempotencykey"),
    (PLACE, r"FROM \"?(competencies_framework|students_district)\b.*FOR NO KEY UPDATE"),
    (STUDENTS, r"FROM students_studentlock\b.*FOR NO KEY UPDATE"),
    (LOGS, _WRITES.format(tables=r"assessments_(evidence|rating)|mastery_judgement")),
    (LOGS, _WRITES.format(tables=r"competencies_(policyplacement|rolluprule)")),
    (DERIVED, _WRITES.format(tables=r"mastery_(masterystate|advancement|opening)")),
    (REQUESTS, _WRITES.format(tables=r"mastery_recomputerequest")),
]


def _rank(sql: str) -> int | None:
    plain = " ".join(sql.split())
    found = [rank for rank, pattern in STATEMENTS if re.search(pattern, plain)]
    return found[0] if found else None


class Watched:
    """What was executed: a list for each transaction, of rank and statement."""

    def __init__(self) -> None:
        self.transactions: list[list[tuple[int, str]]] = []

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        raw = connection.connection
        if raw is None or raw.info.transaction_status == raw.info.transaction_status.IDLE:
            self.transactions.append([])
        rank = _rank(sql)
        if rank is not None:
            self.transactions[-1].append((rank, sql))
        return execute(sql, params, many, context)

    @property
    def ranks(self) -> list[list[int]]:
        """Return the ranks in each transaction that locked or wrote something."""
        return [[rank for rank, _ in each] for each in self.transactions if each]


@contextmanager
def watching() -> Iterator[Watched]:
    watched = Watched()
    with connection.execute_wrapper(watched):
        yield watched


@pytest.fixture
def school(transactional_db, tmp_path):
    """Two students, a part with a whole above it, what it opens, and ratings on the part."""

    district = factories.make_district(code="harbour")
    whole = factories.make_competency(is_rated=False)
    made = SimpleNamespace(
        district=district,
        students=[factories.make_student(district=district, number=number) for number in "12"],
        teacher=factories.make_user(district=district),
        whole=whole,
        part=factories.make_competency(parent=whole, code="P.1"),
        opened=factories.make_competency(framework=whole.framework),
        file=tmp_path / "evidence.csv",
    )
    factories.make_prerequisite(competency=made.opened, requires=made.part)
    section = factories.make_section(district=district)
    factories.make_teaching(section=section, user=made.teacher)
    for student in made.students:
        factories.make_enrollment(section=section, student=student)
    made.file.write_text(
        "external_id,student,competency,points,demonstrated_on\n"
        "b,2,P.1,3,2026-03-02\na,1,P.1,4,2026-03-02\n"
    )
    made.rating = _record(made, "Bridge").ratings[0]
    return made


def _record(school: Any, title: str, points: str = "3") -> Any:
    pieces = [
        NewPiece(
            student_id=student.pk,
            ratings=[NewRating(competency_id=school.part.pk, points=Decimal(points))],
            demonstrated_on=factories.DAY,
            title=title,
        )
        for student in reversed(school.students)
    ]
    return record_evidence(actor=None, district=school.district, pieces=pieces)


def _record_under_a_key(school: Any) -> None:
    with transaction.atomic():
        idempotency.claim(actor=school.teacher, key="a", body={})
        _record(school, "Ramp")
        idempotency.keep(actor=school.teacher, key="a", result={"recorded": 1})


def _judge(school: Any) -> None:
    word = Word(kind=Judgement.Kind.OVERRIDE, mastered=True, reason="Seen at the fair")
    judge(actor=school.teacher, student=school.students[0], competency=school.part, word=word)


def _import(school: Any) -> None:
    import_evidence(district=school.district, path=school.file, dry_run=False, say=print)


def _place(school: Any) -> None:
    place_policy(
        actor=None,
        district=school.district,
        version=factories.preset("quick"),
        place=Place(competency=school.part),
    )


def _require(school: Any) -> None:
    add_prerequisite(
        actor=None,
        competency=factories.make_competency(framework=school.whole.framework),
        requires=school.opened,
    )


ACTIONS: dict[str, tuple[Callable[[Any], object], set[int]]] = {
    "record_evidence": (lambda s: _record(s, "Ramp"), {STUDENTS, LOGS, DERIVED, REQUESTS}),
    "record under a key": (_record_under_a_key, {KEY, STUDENTS, LOGS, DERIVED, REQUESTS}),
    "correct": (
        lambda s: correct_rating(actor=None, rating_id=s.rating.pk, points=Decimal(2)),
        {STUDENTS, LOGS, DERIVED},
    ),
    "void": (
        lambda s: void_rating(actor=None, rating_id=s.rating.pk, reason="Slip of the pen"),
        {STUDENTS, LOGS, DERIVED},
    ),
    "judge": (_judge, {STUDENTS, LOGS, DERIVED, REQUESTS}),
    "place_policy": (_place, {STUDENTS, LOGS, REQUESTS}),
    "import_evidence": (_import, {STUDENTS, LOGS, REQUESTS}),
    "add_prerequisite": (_require, {PLACE, STUDENTS}),
    "drain": (lambda s: drain(), {STUDENTS, DERIVED, REQUESTS}),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_locks_and_writes_come_in_the_order(school, name):
    act, expected = ACTIONS[name]

    with watching() as watched:
        act(school)

    assert {rank for ranks in watched.ranks for rank in ranks} == expected
    for ranks in watched.ranks:
        assert ranks == sorted(ranks)
        # A change of the tree may take them again: nobody else takes students of two districts.
        assert ranks.count(STUDENTS) <= (2 if PLACE in ranks else 1)
    for statements in watched.transactions:
        unprotected = [sql for rank, sql in statements if rank > STUDENTS]
        # A claim leases requests; it holds no student and waits for nobody.
        waits = [sql for sql in unprotected if "SKIP LOCKED" not in sql]
        assert STUDENTS in {rank for rank, _ in statements} or waits == []


def test_students_are_locked_by_ascending_id_however_they_are_given(school):
    low, high = sorted(student.pk for student in school.students)
    asked = []

    def note(execute, sql, params, many, context):
        asked.append(params)
        return execute(sql, params, many, context)

    with transaction.atomic(), connection.execute_wrapper(note):
        locks.lock_students([high, low, high])

    assert asked == [[[low, high]]]


def test_the_instant_is_later_than_the_transaction(school):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT now(), pg_sleep(0.05)")
        began = cursor.fetchone()[0]

        locked = locks.lock_students([school.students[0].pk])

    assert locked.at - began >= timedelta(seconds=0.05)
