"""Every scope, for every person and every row of random worlds, is what the rules say."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from assessments import permissions as assessments
from assessments.models import Evidence, Rating
from competencies import permissions as competencies
from competencies.models import Framework, Policy
from mastery import permissions as mastery
from mastery.models import Advancement, MasteryState
from students import permissions as students
from students.models import District, School, Section, Student, User
from tests.permissions.rules import Rules
from tests.permissions.world import World, build

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Claim:
    """A scope and the rule that it must agree with."""

    scope: Callable[..., Any]
    model: type[Any]
    rule: Callable[[Rules, Any], bool]


def _about(rule: Callable[[Rules, Student], bool]) -> Callable[[Rules, Any], bool]:
    return lambda rules, row: rule(rules, rules.world.get(Student, row.student_id))


CLAIMS = [
    Claim(students.students_visible_to, Student, Rules.sees_student),
    Claim(students.students_editable_by, Student, Rules.edits_student),
    Claim(students.sections_visible_to, Section, Rules.sees_section),
    Claim(students.schools_visible_to, School, Rules.sees_school),
    Claim(students.people_visible_to, User, Rules.sees_person),
    Claim(students.districts_administered_by, District, lambda r, row: r.administers(row.pk)),
    Claim(
        competencies.frameworks_visible_to,
        Framework,
        lambda r, row: r.active() and row.district_id in (None, r.user.district_id),
    ),
    Claim(
        competencies.frameworks_editable_by,
        Framework,
        lambda r, row: row.district_id is not None and r.administers(row.district_id),
    ),
    Claim(
        competencies.policies_editable_by,
        Policy,
        lambda r, row: row.district_id is not None and r.administers(row.district_id),
    ),
    Claim(assessments.evidence_visible_to, Evidence, Rules.sees_evidence),
    Claim(assessments.ratings_visible_to, Rating, Rules.sees_rating),
    Claim(assessments.students_recordable_by, Student, Rules.records_about),
    Claim(assessments.ratings_correctable_by, Rating, Rules.corrects),
    Claim(assessments.evidence_releasable_by, Evidence, Rules.releases),
    Claim(assessments.evidence_confirmable_by, Evidence, Rules.confirms),
    Claim(mastery.states_visible_to, MasteryState, _about(Rules.knows_student)),
    Claim(mastery.advancements_visible_to, Advancement, _about(Rules.knows_student)),
    Claim(mastery.students_judgeable_by, Student, Rules.judges),
    Claim(
        mastery.schools_reportable_by,
        School,
        lambda r, row: row.district_id == r.user.district_id and row.pk in r.holds("principal"),
    ),
    Claim(mastery.districts_reportable_by, District, lambda r, row: r.administers(row.pk)),
]


def _check_scope(world: World, user: User, claim: Claim) -> int:
    rules = Rules(world, user)
    expected = {row.pk for row in world.of(claim.model) if claim.rule(rules, row)}

    found = list(claim.scope(user, world.at).values_list("pk", flat=True))

    assert len(found) == len(set(found)), f"{claim.scope.__name__} names a row twice"
    assert set(found) == expected, f"{claim.scope.__name__} for {user}: {user.pk} at {world.at}"
    return len(found)


def _check_predicates(world: World, user: User) -> None:
    """can ⇔ scope, and check raises ⇔ cannot, for every student."""
    rules, at = Rules(world, user), world.at
    for student in world.of(Student):
        assert students.can_view_student(user, student, at) == rules.sees_student(student)
        assert students.can_edit_student(user, student, at) == rules.edits_student(student)
        assert assessments.can_record(user, [student.pk], at) == rules.records_about(student)
        assert mastery.can_judge(user, student.pk, at) == rules.judges(student)
    everybody = [s.pk for s in world.of(Student)]
    substituted = assessments.records_as_substitute(user, everybody, at)
    assert substituted == {s.pk for s in world.of(Student) if rules.only_substitutes(s)}


@settings(
    max_examples=6,
    deadline=None,
    # A smaller seed is not a smaller world: shrinking would only take minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    seed=st.integers(0, 2**32),
    people=st.integers(1, 5),
    pupils=st.integers(1, 4),
    density=st.integers(4, 40),
)
def test_can_is_scope_for_everybody_and_everything(seed, people, pupils, density):
    with transaction.atomic():
        random = Random(seed)
        world = build(random, people=people, students=pupils, density=density)
        for user in world.of(User):
            for claim in CLAIMS:
                _check_scope(world, user, claim)
        _check_predicates(world, random.choice(world.of(User)))
        transaction.set_rollback(True)


def test_a_crowded_world_gives_every_scope_something_to_show():
    """The property above would be empty talk about a scope in which nobody sees anything."""
    world = build(Random(2), people=6, students=4, density=40)

    seen = {
        claim.scope.__name__: sum(_check_scope(world, user, claim) for user in world.of(User))
        for claim in CLAIMS
    }

    assert min(seen.values()) > 0, seen


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.scope.__name__)
def test_the_operator_at_the_command_line_sees_everything(claim):
    world = build(Random(1), people=2, students=3, density=3)
    rows = {row.pk for row in world.of(claim.model)}

    found = set(claim.scope(None, world.at).values_list("pk", flat=True))

    refused = {
        row.pk
        for row in world.of(claim.model)
        if (claim.model is Student and row.merged_into_id is not None) or (claim.model is Evidence)
    }
    assert rows - refused <= found


def test_refusals_are_a_kind_of_permission_denied():
    assert issubclass(students.NotAllowed, PermissionDenied)
