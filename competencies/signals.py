"""News from competencies, for whoever stands above. Sent inside the transaction that made it."""

from django.dispatch import Signal

# ``competency_ids: frozenset[int]``: competencies decided otherwise from now on because of the
# tree. Their live children changed, or what they require, or whether they are themselves rated.
tree_changed = Signal()

# ``locked`` (students.actions.locks) and ``placement``: a policy version applies somewhere.
policy_placed = Signal()

# ``locked``, ``district_id`` and ``competency``: how its children decide it has changed.
rollup_changed = Signal()
