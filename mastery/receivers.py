"""News from the apps below, heard inside the transaction that made it."""

from typing import Any

from django.dispatch import receiver

from assessments.signals import ratings_changed
from competencies.models import Competency, PolicyPlacement
from competencies.signals import policy_placed, rollup_changed, tree_changed
from mastery.actions import follow
from students.actions.locks import Locked


@receiver(ratings_changed)
def decide_what_was_rated(
    *, locked: Locked, pairs: frozenset[tuple[int, int]], in_bulk: bool = False, **_: Any
) -> None:
    follow.follow_ratings(pairs, locked=locked, in_bulk=in_bulk)


@receiver(policy_placed)
def ask_for_what_a_policy_concerns(*, locked: Locked, placement: PolicyPlacement, **_: Any) -> None:
    follow.follow_policy(placement, locked=locked)


@receiver(rollup_changed)
def ask_for_what_rolls_up(
    *, locked: Locked, competency: Competency, district_id: int, **_: Any
) -> None:
    follow.follow_rollup(competency.pk, district_id, locked=locked)


@receiver(tree_changed)
def ask_for_what_hangs_together_otherwise(*, competency_ids: frozenset[int], **_: Any) -> None:
    follow.follow_tree(competency_ids)
