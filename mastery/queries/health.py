"""Whether what follows from a save is following."""

from dataclasses import dataclass

from django.db import connection

from mastery.models import RecomputeRequest

WORKER = "worker"


@dataclass(frozen=True, slots=True)
class QueueHealth:
    """
    Figures without a person in them; ages in seconds, None: never, or nothing waits.

    ``oldest_waiting_seconds`` is of what people wait for: an import takes the time it takes.
    """

    worker_seen_seconds_ago: float | None
    oldest_waiting_seconds: float | None
    waiting: int
    quarantined: int


def queue_health() -> QueueHealth:
    """Return the state of the queue and its workers; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT extract(epoch FROM clock_timestamp() - seen_at)::float
                    FROM mastery_heartbeat WHERE name = %s),
                   (SELECT extract(epoch FROM clock_timestamp() - min(first_at))::float
                    FROM mastery_recomputerequest
                    WHERE quarantined_at IS NULL AND not_before <= clock_timestamp()
                      AND priority < %s),
                   (SELECT count(*) FROM mastery_recomputerequest WHERE quarantined_at IS NULL),
                   (SELECT count(*) FROM mastery_recomputerequest WHERE quarantined_at IS NOT NULL)
            """,
            [WORKER, RecomputeRequest.BULK],
        )
        return QueueHealth(*cursor.fetchone())
