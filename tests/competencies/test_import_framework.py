"""The command ``import_framework``, from the file to the rows."""

import io
import threading
import time
from contextlib import contextmanager

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from competencies.actions.frameworks import import_framework
from competencies.case.findings import Findings
from competencies.case.package import read_package
from competencies.models import Association, Competency, Framework, ParentEdge, Prerequisite
from competencies.queries import tree
from competencies.signals import tree_changed
from students.models import HistoryEntry
from students.permissions import NotAllowed
from tests import factories
from tests.competencies import packages
from tests.competencies.packages import association, child, ident, item, package

pytestmark = pytest.mark.django_db

TABLES = (
    "competencies_framework",
    "competencies_competency",
    "competencies_parentedge",
    "competencies_prerequisite",
    "competencies_association",
)


@pytest.fixture
def load(tmp_path):
    """Return a function that loads a package by command and returns what it printed."""

    def run(content, **options):
        out = io.StringIO()
        file = packages.write(tmp_path, content)
        call_command("import_framework", str(file), stdout=out, stderr=out, **options)
        return out.getvalue()

    return run


@pytest.fixture
def refused(tmp_path):
    """Return a function that loads a package that must be refused; returns what it printed."""

    def run(content, **options):
        out = io.StringIO()
        file = packages.write(tmp_path, content)
        before = row_versions()
        with pytest.raises(CommandError, match="Nothing was changed"):
            call_command("import_framework", str(file), stdout=out, stderr=out, **options)
        assert row_versions() == before
        return out.getvalue()

    return run


@contextmanager
def announced():
    """Collect the competencies, by code, that ``tree_changed`` tells of: one set for each time."""
    told = []

    def listen(*, competency_ids, **more):
        rows = Competency.objects.filter(pk__in=competency_ids)
        told.append(set(rows.values_list("code", flat=True)))

    tree_changed.connect(listen)
    try:
        yield told
    finally:
        tree_changed.disconnect(listen)


def row_versions():
    """Return the version of every row: a row that is written anew has another one."""
    found = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT id, xmin::text, cmin::text FROM {table} ORDER BY id")
            found[table] = cursor.fetchall()
    return found


def numbers(printed, kind):
    """Return the numbers of the summary's line for ``kind``."""
    line = next(line for line in printed.splitlines() if line.startswith(kind))
    return [int(number.replace(",", "")) for number in line.removeprefix(kind).split()]


def competency(code):
    return Competency.objects.get(code=code)


def codes(ids):
    return [Competency.objects.get(pk=each).code for each in ids]


def children_of(code, at=None):
    parent = competency(code).pk
    return codes(tree.children([parent], at=at)[parent])


def test_a_framework_is_loaded_as_a_tree(load):
    printed = load(packages.arithmetic())

    framework = Framework.objects.get()
    assert (framework.title, framework.district) == ("Arithmetic", None)
    assert codes(tree.roots(framework.pk)) == ["A"]
    assert children_of("A") == ["A.1", "A.2"]
    assert children_of("A.2") == ["A.2.a"]
    assert numbers(printed, "items") == [4, 0, 0]
    assert numbers(printed, "isChildOf associations") == [4, 0, 0]


def test_a_root_hangs_on_the_framework_itself(load):
    load(packages.arithmetic())

    assert ParentEdge.objects.get(child=competency("A")).parent is None


def test_standards_are_rated_with_parts_too_and_containers_are_not(load):
    load(packages.arithmetic())

    rated = Competency.objects.filter(is_rated=True).values_list("code", flat=True)
    assert set(rated) == {"A.1", "A.2", "A.2.a"}


def test_the_types_that_are_rated_can_be_chosen(load):
    load(packages.arithmetic(), rated="component")

    rated = Competency.objects.filter(is_rated=True).values_list("code", flat=True)
    assert set(rated) == {"A.2.a"}


def test_a_type_that_no_item_has_is_refused_with_those_there_are(refused):
    printed = refused(packages.arithmetic(), rated="Standrad")

    assert "Standrad; the types here are: Component, Domain, Standard" in printed


def test_what_is_rated_stays_as_it_is_unless_it_is_chosen_again(load):
    load(packages.arithmetic(), rated="Component")

    printed = load(packages.arithmetic())
    assert numbers(printed, "items") == [0, 0, 4]
    with announced() as told:
        printed = load(packages.arithmetic(), rated="Standard")
    assert numbers(printed, "items") == [0, 3, 1]
    assert told == [{"A.2"}]  # the one with parts, that was decided by them


def test_loading_again_writes_no_row(load):
    content = packages.arithmetic()
    content["CFAssociations"] += [
        association("A.1", "precedes", "A.2"),
        association("A.1", "exactMatchOf", "elsewhere"),
    ]
    options = {"prerequisites_from_precedes": True}
    load(content, **options)
    before = row_versions()

    with announced() as told:
        printed = load(content, **options)

    assert row_versions() == before
    assert told == []
    for kind in ("framework", "items", "isChildOf", "other", "prerequisites"):
        line = next(line for line in printed.splitlines() if line.startswith(kind))
        created, changed, unchanged = [int(each) for each in line.split()[-3:]]
        assert (created, changed) == (0, 0)
        assert unchanged > 0


def test_only_what_differs_is_written(load):
    load(packages.arithmetic())
    before = row_versions()
    content = packages.arithmetic()
    content["CFItems"][1]["fullStatement"] = "Another statement"

    printed = load(content)

    assert numbers(printed, "items") == [0, 1, 3]
    assert competency("A.1").statement == "Another statement"
    after = row_versions()
    written = set(after["competencies_competency"]) - set(before["competencies_competency"])
    assert {row[0] for row in written} == {competency("A.1").pk}
    assert after["competencies_parentedge"] == before["competencies_parentedge"]


def test_a_dry_run_says_the_same_and_writes_nothing(load):
    load(packages.arithmetic())
    before = row_versions()
    content = package(
        [item("A", kind="Domain"), item("A.1", notes="New"), item("A.3")],
        [child("A", sequence=1), child("A.1", "A", sequence=1), child("A.3", "A", sequence=2)],
    )

    with announced() as told:
        dry = load(content, dry_run=True)

    assert row_versions() == before
    assert told == []
    assert "nothing was written" in dry
    assert numbers(dry, "items") == numbers(load(content), "items") == [1, 1, 1, 2]


def test_a_dry_run_of_a_new_framework_leaves_nothing(load):
    printed = load(packages.arithmetic(), dry_run=True)

    assert numbers(printed, "items") == [4, 0, 0]
    assert not Framework.objects.exists()


def test_an_item_that_is_gone_is_retired_and_keeps_its_row(load):
    load(packages.arithmetic())
    a2a = competency("A.2.a")
    content = packages.arithmetic()
    content["CFItems"].pop()
    content["CFAssociations"].pop()

    with announced() as told:
        printed = load(content)

    a2a.refresh_from_db()
    assert a2a.retired_at is not None
    assert children_of("A.2") == []
    assert told == [{"A.2"}]
    assert numbers(printed, "items") == [0, 0, 3, 1]
    assert "retired" in printed


def test_an_item_that_is_listed_again_comes_back_as_the_same_row(load):
    load(packages.arithmetic())
    a2a = competency("A.2.a")
    without = packages.arithmetic()
    without["CFItems"].pop()
    without["CFAssociations"].pop()
    load(without)

    with announced() as told:
        load(packages.arithmetic())

    assert competency("A.2.a").pk == a2a.pk
    assert competency("A.2.a").retired_at is None
    assert children_of("A.2") == ["A.2.a"]
    assert told == [{"A.2"}]


def test_a_move_ends_the_old_link_and_makes_a_new_one(load):
    load(packages.arithmetic())
    earlier = Framework.objects.get().imported_at
    old = ParentEdge.objects.get(child=competency("A.2.a"))
    content = packages.arithmetic()
    content["CFAssociations"][3] = child("A.2.a", "A.1", sequence=1)

    with announced() as told:
        load(content)

    assert children_of("A.2") == []
    assert children_of("A.1") == ["A.2.a"]
    assert told == [{"A.1", "A.2"}]
    kept = ParentEdge.objects.get(pk=old.pk)
    new = ParentEdge.objects.get(child=competency("A.2.a"), until__isnull=True)
    assert (kept.parent, kept.since, kept.until) == (old.parent, old.since, new.since)
    assert children_of("A.2", at=earlier) == ["A.2.a"]
    assert children_of("A.1", at=earlier) == []


def test_another_order_changes_no_roll_up(load):
    load(packages.arithmetic())
    content = packages.arithmetic()
    content["CFAssociations"][1] = child("A.1", "A", sequence=3)

    with announced() as told:
        printed = load(content)

    assert children_of("A") == ["A.2", "A.1"]
    assert numbers(printed, "isChildOf associations") == [0, 1, 3]
    assert told == []


def test_a_district_has_its_own_copy_beside_the_shared_one(load):
    district = factories.make_district(code="north")
    load(packages.arithmetic())

    load(packages.arithmetic(), district="north")

    assert Competency.objects.filter(code="A.1").count() == 2
    assert Framework.objects.filter(district=district).count() == 1
    entry = HistoryEntry.objects.get(district=district)
    assert (entry.action, entry.after["created"]["items"]) == ("import_framework", 4)


def test_a_district_that_is_not_there_is_named(tmp_path):
    factories.make_district(code="north")
    file = packages.write(tmp_path, packages.arithmetic())

    with pytest.raises(CommandError, match=r"the code nort\. There are: north"):
        call_command("import_framework", str(file), district="nort")


def test_only_an_administrator_may_load_a_districts_framework(tmp_path):
    teacher = factories.make_user()
    file = packages.write(tmp_path, packages.arithmetic())
    findings = Findings(file.name)

    with pytest.raises(NotAllowed):
        import_framework(
            actor=teacher,
            package=read_package(file, findings),
            findings=findings,
            district=teacher.district,
        )

    assert not Framework.objects.exists()


def test_other_associations_are_kept_changed_and_dropped_with_the_file(load):
    content = packages.arithmetic()
    content["CFAssociations"] += [
        association("A.1", "isRelatedTo", "A.2"),
        association("A.1", "exactMatchOf", "elsewhere"),
    ]
    load(content)
    content["CFAssociations"].pop()
    content["CFAssociations"][-1]["notes"] = "New"

    printed = load(content)

    kept = Association.objects.get()
    assert (kept.kind, kept.origin, kept.source["notes"]) == ("isRelatedTo", ident("A.1"), "New")
    assert numbers(printed, "other associations") == [0, 1, 0, 1]


def preceding(*pairs):
    content = packages.arithmetic()
    content["CFAssociations"] += [association(a, "precedes", b) for a, b in pairs]
    return content


def live_prerequisites():
    links = Prerequisite.objects.filter(until__isnull=True)
    return set(links.values_list("competency__code", "requires__code"))


def test_precedes_is_only_kept_unless_prerequisites_are_wanted(load):
    load(preceding(("A.1", "A.2")))

    assert live_prerequisites() == set()
    assert Association.objects.get().kind == "precedes"


def test_what_precedes_is_required_where_that_is_wanted(load):
    load(packages.arithmetic())

    with announced() as told:
        load(preceding(("A.1", "A.2")), prerequisites_from_precedes=True)

    assert live_prerequisites() == {("A.2", "A.1")}
    assert told == [{"A.2"}]


def test_a_framework_that_is_new_concerns_nobody_yet(load):
    with announced() as told:
        load(preceding(("A.1", "A.2")), prerequisites_from_precedes=True)

    assert told == []
    assert live_prerequisites() == {("A.2", "A.1")}


def test_a_new_part_of_what_was_there_and_a_new_whole_of_what_was_there_are_announced(load):
    load(packages.arithmetic())
    content = packages.arithmetic()
    content["CFItems"] += [item("N.part"), item("N.whole"), item("N.alone"), item("N.alone.1")]
    content["CFAssociations"] += [
        child("N.part", "A.1", sequence=1),
        child("N.whole", sequence=2),
        child("N.alone", sequence=3),
        child("N.alone.1", "N.alone", sequence=1),
        child("A.2.a", "N.whole", sequence=1),
    ]

    with announced() as told:
        load(content)

    assert told == [{"A.1", "N.whole"}]


def test_a_prerequisite_ends_with_its_association_and_a_teachers_own_stays(load):
    load(preceding(("A.1", "A.2")), prerequisites_from_precedes=True)
    factories.make_prerequisite(competency=competency("A.2.a"), requires=competency("A.1"))

    with announced() as told:
        load(packages.arithmetic(), prerequisites_from_precedes=True)

    assert live_prerequisites() == {("A.2.a", "A.1")}
    assert told == [{"A.2"}]


def test_who_requires_a_retired_competency_is_announced(load):
    load(packages.arithmetic())
    factories.make_prerequisite(competency=competency("A.2"), requires=competency("A.1"))
    content = packages.arithmetic()
    del content["CFItems"][1]
    del content["CFAssociations"][1]

    with announced() as told:
        load(content)

    assert told == [{"A", "A.2"}]
    a2 = competency("A.2").pk
    assert tree.prerequisites([a2]) == {a2: ()}


def test_precedes_in_a_loop_is_refused(refused):
    printed = refused(preceding(("A.1", "A.2"), ("A.2", "A.1")), prerequisites_from_precedes=True)

    assert "depend on itself" in printed
    assert "A.1 → A.2 → A.1" in printed or "A.2 → A.1 → A.2" in printed


def test_a_tree_that_makes_a_loop_with_a_prerequisite_is_refused(load, refused):
    load(packages.arithmetic())
    factories.make_prerequisite(competency=competency("A.1"), requires=competency("A"))
    moved = packages.arithmetic()
    moved["CFAssociations"][1] = child("A.1", "A.2", sequence=2)

    printed = refused(moved)

    assert "depend on itself" in printed


def test_a_loop_through_another_framework_is_refused(load, refused):
    load(packages.arithmetic())
    elsewhere = factories.make_competency(code="X")
    inside = factories.make_competency(code="X.1", parent=elsewhere)
    factories.make_prerequisite(competency=inside, requires=competency("A.2"))
    factories.make_prerequisite(competency=competency("A.1"), requires=elsewhere)
    content = packages.arithmetic()
    content["CFAssociations"][1] = child("A.1", "A.2", sequence=1)

    printed = refused(content)

    for code in ("A.1", "A.2", "X", "X.1"):
        assert f"{code} →" in printed


def test_another_framework_under_the_same_identifier_is_refused(load, refused):
    load(packages.arithmetic())
    other = package([item("B")], [child("B")], document={"title": "History"})

    printed = refused(other)

    assert "Arithmetic" in printed
    assert "another identifier" in printed


def test_a_refusal_names_file_and_place_and_counts_what_was_refused(refused):
    content = packages.arithmetic()
    content["CFItems"][1]["fullStatement"] = ""
    content["CFItems"][1]["humanCodingScheme"] = ""
    content["CFAssociations"].append(child("A", "A.2"))

    printed = refused(content)

    assert "framework.json [/CFItems/1]" in printed
    assert "[/CFAssociations/" in printed
    assert numbers(printed, "items")[-1] == 1
    assert numbers(printed, "associations")[-1] == 1


def test_strict_refuses_what_is_else_tolerated(load, refused):
    content = packages.arithmetic()
    content["CFItems"][1]["theirs"] = 1

    assert "no CFItem.theirs" in refused(content, strict=True)
    assert "warning: The standard has no CFItem.theirs" in load(content)


def test_everything_of_the_package_is_kept(load):
    content = packages.arithmetic(CFDefinitions={"CFConcepts": [{"theirs": None}]}, theirs=[1, "é"])
    content["CFItems"][1]["extensions"] = {"ratio": 0.5, "🧮": None}
    content["CFAssociations"].append(association("A.1", "isRelatedTo", "A.2", theirs={"a": []}))

    load(content)

    framework = Framework.objects.get()
    rest = {key: content[key] for key in content if key not in ("CFItems", "CFAssociations")}
    assert framework.source == rest
    by_id = {str(row.identifier): row.source for row in Competency.objects.all()}
    assert [by_id[each["identifier"]] for each in content["CFItems"]] == content["CFItems"]
    links = {str(row.identifier): row.source for row in ParentEdge.objects.all()} | {
        str(row.identifier): row.source for row in Association.objects.all()
    }
    assert [links[each["identifier"]] for each in content["CFAssociations"]] == (
        content["CFAssociations"]
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_loaded", [False, True])
def test_of_two_who_load_the_same_at_once_one_waits_and_finds_it_done(load, tmp_path, is_loaded):
    content = packages.arithmetic()
    if is_loaded:
        load(content)
        content["CFItems"][1]["notes"] = "New"
        content["CFAssociations"][1]["notes"] = "New"
    file = packages.write(tmp_path, content)
    printed = []

    def load_it():
        out = io.StringIO()
        call_command("import_framework", str(file), stdout=out)
        printed.append(out.getvalue())
        connection.close()

    threads = [threading.Thread(target=load_it) for _ in range(2)]
    with transaction.atomic():
        list(Framework.objects.select_for_update())  # so that both have to wait for the row
        for thread in threads:
            thread.start()
        time.sleep(0.5)
    for thread in threads:
        thread.join(timeout=30)

    wrote, found = ([0, 1, 3], [0, 0, 4]) if is_loaded else ([4, 0, 0], [0, 0, 4])
    assert sorted(numbers(each, "items") for each in printed) == sorted([wrote, found])
    assert ParentEdge.objects.filter(until__isnull=True).count() == 4


@pytest.mark.parametrize("size", [1, 30])
def test_loading_costs_the_same_queries_for_one_item_and_for_thirty(
    load, django_assert_num_queries, size
):
    names = [f"A.{number}" for number in range(size)]
    content = package(
        [item("A", kind="Domain"), *(item(name) for name in names)],
        [child("A", sequence=1), *(child(n, "A", sequence=i) for i, n in enumerate(names))],
    )

    with django_assert_num_queries(16):
        load(content)
