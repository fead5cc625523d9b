"""
The engine: what the logs of a pair mean.

Pure Python: no Django, no clock, no database. The same logs at the same instant always give the
same answer, so that every decision can be made again and explained.
"""

from mastery.engine import values
from mastery.engine.decide import decide

__all__ = ["decide", "values"]
