"""Reads of mastery."""

from mastery.queries.health import QueueHealth, queue_health

__all__ = ["QueueHealth", "queue_health"]
