"""Parts and wholes at an instant."""

from datetime import timedelta

import pytest
from django.utils import timezone

from competencies.queries import tree
from competencies.queries.tree import Relative
from tests import factories

pytestmark = pytest.mark.django_db

NOW = timezone.now()
BEFORE = NOW - timedelta(days=9)
THEN = NOW - timedelta(days=5)


@pytest.fixture
def family():
    """Return top with parts left and right, both with the part shared; by name."""
    top = factories.make_competency(code="top")
    left = factories.make_competency(code="left", framework=top.framework)
    right = factories.make_competency(code="right", framework=top.framework)
    shared = factories.make_competency(code="shared", framework=top.framework)
    factories.make_parent_edge(child=top, parent=None)
    factories.make_parent_edge(child=right, parent=top, position=2)
    factories.make_parent_edge(child=left, parent=top, position=1)
    factories.make_parent_edge(child=shared, parent=left)
    factories.make_parent_edge(child=shared, parent=right)
    return {row.code: row.pk for row in (top, left, right, shared)}


def test_parts_come_in_their_order(family):
    found = tree.children([family["top"], family["shared"]])

    assert found == {family["top"]: (family["left"], family["right"]), family["shared"]: ()}


def test_roots_are_what_hangs_on_the_framework(family):
    framework = factories.competencies.Competency.objects.get(pk=family["top"]).framework_id

    assert tree.roots(framework) == (family["top"],)


def test_what_is_part_of_two_is_told_once_at_its_shortest_distance(family):
    factories.make_parent_edge(
        child=factories.competencies.Competency.objects.get(pk=family["shared"]),
        parent=factories.competencies.Competency.objects.get(pk=family["top"]),
    )

    up, down = tree.ancestors([family["shared"]]), tree.descendants([family["top"]])

    near = [family[name] for name in ("top", "left", "right")]
    assert up[family["shared"]] == tuple(Relative(each, 1) for each in sorted(near))
    assert Relative(family["shared"], 1) in down[family["top"]]
    assert len(down[family["top"]]) == 3


def test_the_tree_is_told_as_it_was(family):
    competency = factories.competencies.Competency
    top, new = competency.objects.get(pk=family["top"]), factories.make_competency(code="new")
    factories.make_parent_edge(child=new, parent=top, since=BEFORE, until=THEN)

    told = {at: tree.descendants([top.pk], at=at)[top.pk] for at in (BEFORE, THEN, None)}

    assert told[BEFORE] == (Relative(new.pk, 1),)  # since counts, and nothing else was there yet
    assert told[THEN] == ()  # until does not
    assert Relative(new.pk, 1) not in told[None]
    assert tree.ancestors([new.pk], at=BEFORE)[new.pk] == (Relative(top.pk, 1),)
    assert tree.children([top.pk], at=BEFORE)[top.pk] == (new.pk,)
    assert tree.children([top.pk], at=THEN)[top.pk] == ()
    assert tree.parents([new.pk], at=BEFORE)[new.pk] == (top.pk,)
    assert tree.parents([new.pk])[new.pk] == ()


def test_what_is_required_and_what_it_opens(family):
    competency = factories.competencies.Competency
    left, right = (
        competency.objects.get(pk=family["left"]),
        competency.objects.get(pk=family["right"]),
    )
    factories.make_prerequisite(competency=right, requires=left)

    assert tree.prerequisites([right.pk]) == {right.pk: (left.pk,)}
    assert tree.opened_by([left.pk]) == {left.pk: (right.pk,)}


def test_what_depends_on_what_goes_through_parts_and_prerequisites(family):
    competency = factories.competencies.Competency
    needed = factories.make_competency(code="needed")
    factories.make_prerequisite(
        competency=competency.objects.get(pk=family["shared"]), requires=needed
    )

    found = {(link.competency_id, link.on_id) for link in tree.dependences([family["left"]])}

    assert found == {(family["left"], family["shared"]), (family["shared"], needed.pk)}


@pytest.mark.parametrize("size", [1, 30])
@pytest.mark.parametrize(
    "query", [tree.children, tree.parents, tree.ancestors, tree.descendants, tree.prerequisites]
)
def test_each_costs_one_query_for_one_and_for_thirty(django_assert_num_queries, query, size):
    top = factories.make_competency()
    ids = [factories.make_competency(parent=top).pk for _ in range(size)]

    with django_assert_num_queries(1):
        found = query([top.pk, *ids])

    assert set(found) == {top.pk, *ids}
