"""Which policy version judges a competency, and who may say so from when."""

from datetime import timedelta

import pytest

from competencies.actions.policies import Place, PlacementRejected, place_policy, set_rollup_rule
from competencies.queries.policies import policy_timelines, version_on
from mastery.models import RecomputeRequest
from students.models import HistoryEntry
from students.permissions import NotAllowed
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    """A district, and a framework: area > strand > skill, with another area beside it."""

    class World:
        district = factories.make_district(code="harbour")
        area = factories.make_competency(code="AREA", is_rated=False)
        strand = factories.make_competency(code="STRAND", is_rated=False, parent=area)
        skill = factories.make_competency(code="SKILL", parent=strand)
        other = factories.make_competency(code="OTHER", framework=area.framework)
        quick = factories.preset("quick")
        steady = factories.preset("steady")
        default = factories.preset()

    return World


def place(world, version, *, starts_at=None, **where):
    return place_policy(
        actor=None,
        district=world.district,
        version=version,
        place=Place(**where),
        starts_at=starts_at,
    )


def in_force(world, competency):
    timeline = policy_timelines(world.district.pk, [competency.pk])[competency.pk]
    return timeline[-1].version_id


def test_two_in_a_row_judges_where_nothing_is_placed(world):
    assert in_force(world, world.skill) == world.default.pk


@pytest.mark.parametrize("farther", ["district", "framework", "area"])
def test_the_nearest_place_wins_whichever_was_placed_last(world, farther):
    places = {
        "district": {},
        "framework": {"framework": world.area.framework},
        "area": {"competency": world.area, "subtree": True},
    }
    place(world, world.quick, competency=world.strand, subtree=True)
    place(world, world.steady, **places[farther])

    assert in_force(world, world.skill) == world.quick.pk
    assert in_force(world, world.other) == (
        world.default.pk if farther == "area" else world.steady.pk
    )


def test_a_competency_itself_is_nearer_than_its_own_subtree(world):
    place(world, world.quick, competency=world.strand)
    place(world, world.steady, competency=world.strand, subtree=True)

    assert in_force(world, world.strand) == world.quick.pk
    assert in_force(world, world.skill) == world.steady.pk


def test_a_later_one_at_the_same_place_supersedes_from_its_start(world):
    first = place(world, world.quick)
    second = place(world, world.steady, starts_at=first.starts_at + timedelta(days=30))

    [timeline] = policy_timelines(world.district.pk, [world.skill.pk]).values()

    assert [entry.version_id for entry in timeline] == [
        world.default.pk,
        world.quick.pk,
        world.steady.pk,
    ]
    assert version_on(timeline, second.starts_at) == world.quick.pk
    assert version_on(timeline, second.starts_at + timedelta(seconds=1)) == world.steady.pk


def test_another_district_is_not_concerned(world):
    place(world, world.quick)
    elsewhere = factories.make_district(code="hill")

    [timeline] = policy_timelines(elsewhere.pk, [world.skill.pk]).values()

    assert [entry.version_id for entry in timeline] == [world.default.pk]


def test_a_policy_cannot_begin_in_the_past(world):
    with pytest.raises(PlacementRejected, match="in the past"):
        place(world, world.quick, starts_at=factories.INSTANT.replace(year=2020))


def test_two_subtrees_at_equal_distance_are_refused_and_both_are_named(world):
    second = factories.make_competency(code="SECOND", framework=world.area.framework)
    factories.make_parent_edge(child=world.skill, parent=second)
    place(world, world.quick, competency=world.strand, subtree=True)

    with pytest.raises(PlacementRejected, match=r"SKILL .* SECOND and STRAND"):
        place(world, world.steady, competency=second, subtree=True)

    place(world, world.default, competency=world.skill)
    place(world, world.steady, competency=second, subtree=True)
    assert in_force(world, world.skill) == world.default.pk


def test_another_districts_competency_takes_no_policy_of_ours(world):
    hill = factories.make_district(code="hill")
    theirs = factories.make_competency(framework=factories.make_framework(district=hill))

    for where in ({"competency": theirs}, {"framework": theirs.framework}):
        with pytest.raises(PlacementRejected, match="does not exist"):
            place(world, world.quick, **where)


def test_a_policy_of_another_district_is_not_there(world):
    theirs = factories.make_policy_version(
        policy=factories.make_policy(district=factories.make_district(code="hill"))
    )

    with pytest.raises(PlacementRejected, match="does not exist"):
        place(world, theirs)


def test_who_administers_nothing_places_nothing(world):
    teacher = factories.make_user(district=world.district)

    with pytest.raises(NotAllowed):
        place_policy(actor=teacher, district=world.district, version=world.quick, place=Place())

    assert not HistoryEntry.objects.exists()


@pytest.mark.parametrize("k", [None, 0, 2])
def test_k_of_n_needs_a_k_that_the_parts_can_reach(world, k):
    with pytest.raises(PlacementRejected, match="of the 1 parts"):
        set_rollup_rule(
            actor=None, district=world.district, competency=world.strand, rule="k_of_n", k=k
        )


@pytest.mark.parametrize(
    ("where", "concerned"),
    [
        ({}, {"SKILL", "OTHER"}),
        ({"framework": True}, {"SKILL", "OTHER"}),
        ({"competency": "strand"}, set()),
        ({"competency": "strand", "subtree": True}, {"SKILL"}),
        ({"competency": "skill"}, {"SKILL"}),
    ],
)
def test_placing_a_policy_asks_for_every_pair_it_can_concern_and_no_other(world, where, concerned):
    student = factories.make_student(district=world.district)
    for competency in (world.skill, world.other):
        factories.make_state(student=student, competency=competency, policy_version=world.default)
    place_at = dict(where)
    if "framework" in place_at:
        place_at["framework"] = world.area.framework
    if "competency" in place_at:
        place_at["competency"] = getattr(world, place_at["competency"])

    place(world, world.quick, **place_at)

    asked = RecomputeRequest.objects.values_list("competency_id", flat=True)
    ids = {world.skill.pk: "SKILL", world.other.pk: "OTHER"}
    assert {ids[number] for number in asked} == concerned


def test_a_roll_up_rule_asks_for_who_has_begun_a_part(world):
    begun = factories.make_student(district=world.district)
    factories.make_student(district=world.district)
    factories.make_state(student=begun, competency=world.skill)

    set_rollup_rule(
        actor=None, district=world.district, competency=world.strand, rule="k_of_n", k=1
    )

    request = RecomputeRequest.objects.get()
    assert (request.student_id, request.competency_id) == (begun.pk, world.strand.pk)
