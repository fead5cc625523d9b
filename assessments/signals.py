"""
News from the evidence, for the apps above.

``ratings_changed`` is sent inside the transaction that wrote, with ``locked`` (the proof that
the students are locked, see students.actions.locks) and ``pairs``, a frozenset of
(student id, competency id) whose ratings are new, corrected, voided, released or confirmed;
``in_bulk`` where an import brought them and nobody waits for the answer.
"""

from django.dispatch import Signal

ratings_changed = Signal()
