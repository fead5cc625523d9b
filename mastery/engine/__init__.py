"""
The engine: what the logs of a pair mean.

Pure Python: no Django, no clock, no database. The same logs at the same instant always give the
same answer, so that every decision can be made again and explained.
"""

from mastery.engine import values
from mastery.engine.availability import availability, opened_at
from mastery.engine.decide import decide
from mastery.engine.lines import DecisionRecord, Names
from mastery.engine.record import explain
from mastery.engine.rollup import decide_rollup
from mastery.engine.sentences import shown_sentence

__all__ = [
    "DecisionRecord",
    "Names",
    "availability",
    "decide",
    "decide_rollup",
    "explain",
    "opened_at",
    "shown_sentence",
    "values",
]
