"""The engine: what a pair's logs mean. Pure Python: no Django, no clock, no database."""

from mastery.engine import values

__all__ = ["values"]
