"""Follow what changed below: decide now what can be, and leave the rest to the queue."""

import logging
from collections.abc import Collection

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from assessments.models import Rating
from competencies.models import PolicyPlacement
from competencies.queries.policies import ever_below
from competencies.queries.tree import descendants
from mastery.actions import queue
from mastery.actions.recompute import recompute
from mastery.models import MasteryState, RecomputeRequest
from students.actions.locks import Locked, lock_students
from students.models import District, Student

Pair = tuple[int, int]  # student id, competency id

# A save decides its own pairs at once up to this number; more would make a person wait.
DECIDE_AT_ONCE = 3000

log = logging.getLogger(__name__)


def follow_ratings(pairs: Collection[Pair], *, locked: Locked, in_bulk: bool = False) -> None:
    """
    Decide ``pairs`` in the save's own transaction, so that the reply shows the new level.

    In a savepoint: should deciding fail, the evidence is saved all the same and the pairs wait
    in the queue. A pair that failed before is left to the queue, which runs it alone. What
    was imported ``in_bulk`` is all left to the queue, behind what people wait for.
    """
    if in_bulk:
        ask(pairs, locked=locked, priority=RecomputeRequest.BULK)
        return
    suspects = queue.failed_before(pairs)
    wanted = set(pairs) - suspects
    later = set(suspects)
    if len(wanted) > DECIDE_AT_ONCE:
        later, wanted = later | wanted, set()
    if wanted:
        later |= _decide(wanted, locked)
    if later:
        ask(later, locked=locked)


def ask(pairs: Collection[Pair], *, locked: Locked, priority: int = 0) -> None:
    """Put ``pairs``, of one or several districts, in the queue; a query a district and one."""
    students = {student for student, _ in pairs}
    districts = dict(Student.objects.filter(pk__in=students).values_list("pk", "district_id"))
    for district in sorted(set(districts.values())):
        of_district = {pair for pair in pairs if districts[pair[0]] == district}
        queue.enqueue(district, of_district, locked=locked, priority=priority)


def _decide(pairs: set[Pair], locked: Locked) -> set[Pair]:
    """Decide in a savepoint; return the pairs that could not be."""
    try:
        with transaction.atomic():
            return set(recompute(pairs, locked=locked).failed)
    except Exception as error:
        # A broken connection cannot be saved by a savepoint: then the whole save fails.
        if connection.connection is None or connection.connection.closed:
            raise
        log.exception("deciding in a save failed: %s", type(error).__name__)
        return pairs


def follow_policy(placement: PolicyPlacement, *, locked: Locked) -> int:
    """
    Ask for every pair that ``placement`` can concern, at low priority; return how many.

    Also for one that begins later: the pairs must know when they change. The district's
    students are locked. Three queries.
    """
    states = MasteryState.objects.filter(
        district_id=placement.district_id, policy_version__isnull=False
    )
    if placement.framework_id is not None:
        states = states.filter(competency__framework=placement.framework_id)
    if placement.competency_id is not None:
        within = {placement.competency_id}
        if placement.subtree:
            [below] = descendants([placement.competency_id]).values()
            within |= {relative.competency_id for relative in below}
        states = states.filter(competency__in=within)
    return _ask_in_bulk(placement.district_id, states, locked)


def follow_rollup(competency_id: int, district_id: int, *, locked: Locked) -> int:
    """
    Ask for everyone with a state on the competency or a part, or a rating on it; return how many.

    The ratings are looked up student by student: whom the children left without a state has one
    again when they no longer decide.
    """
    rated = Rating.objects.filter(student=OuterRef("pk"), competency=competency_id)
    students = Student.objects.filter(Exists(rated), district=district_id)
    pairs = {(student, competency_id) for student in students.values_list("pk", flat=True)}
    queue.enqueue(district_id, pairs, locked=locked, priority=RecomputeRequest.BULK)
    return len(pairs) + _ask_for_family(district_id, {competency_id}, locked)


def follow_tree(competency_ids: Collection[int]) -> int:
    """
    Ask for the pairs whose competencies have other parts or prerequisites now.

    Locks every student: one who is rated for the first time while the tree changes must not
    fall between the old tree and the new.
    """
    if not competency_ids:
        return 0
    asked = 0
    locked = lock_students(Student.objects.values_list("pk", flat=True))
    for district in District.objects.order_by("pk").values_list("pk", flat=True):
        asked += _ask_for_family(district, set(competency_ids), locked)
        asked += _ask_for_policies_above(district, competency_ids, locked)
    return asked


def _ask_for_policies_above(district: int, competency_ids: Collection[int], locked: Locked) -> int:
    """Ask for everyone on what is, or was, below: where a policy takes in parts, it may change."""
    if not PolicyPlacement.objects.filter(district=district, subtree=True).exists():
        return 0
    below = ever_below(competency_ids)
    states = MasteryState.objects.filter(
        district_id=district, policy_version__isnull=False, competency__in=below
    )
    return _ask_in_bulk(district, states, locked)


def _ask_for_family(district: int, competency_ids: set[int], locked: Locked) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT s.student_id, link.competency_id
            FROM (SELECT parent_id AS competency_id, child_id AS from_id
                  FROM competencies_parentedge WHERE parent_id = ANY(%(ids)s)
                  UNION SELECT competency_id, requires_id
                  FROM competencies_prerequisite WHERE competency_id = ANY(%(ids)s)
                  UNION SELECT id, id FROM unnest(%(ids)s::int[]) AS own (id)) AS link
            JOIN mastery_masterystate s ON s.competency_id = link.from_id
            WHERE s.district_id = %(district)s
            """,
            {"ids": list(competency_ids), "district": district},
        )
        pairs = set(cursor.fetchall())
    queue.enqueue(district, pairs, locked=locked, priority=RecomputeRequest.BULK)
    return len(pairs)


def _ask_in_bulk(district: int, states: QuerySet[MasteryState], locked: Locked) -> int:
    pairs = set(states.values_list("student_id", "competency_id"))
    queue.enqueue(district, pairs, locked=locked, priority=RecomputeRequest.BULK)
    return len(pairs)
