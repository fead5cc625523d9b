"""What Celery runs. No task carries data: each looks for its work in the database."""

from celery import current_app, shared_task

from mastery.actions import drain as work


def _drain_seconds() -> float:
    """Return how long to drain: it ends by itself, well short of its time limit, and rings."""
    return min(8.0, float(current_app.conf.task_time_limit) / 3)


# Acknowledged as it begins. A late acknowledgement would save a killed drain the seconds until
# the next sweep, and costs more: kombu's worker dies when it comes on a connection that broke.
@shared_task(name="mastery.drain")  # type: ignore[untyped-decorator]
def drain() -> None:
    """Work off what waits in the queue; an empty queue costs two queries."""
    work.beat()
    work.drain(seconds=_drain_seconds())


@shared_task(name="mastery.sweep")  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Find what the doorbell did not announce and what falls due, and work it off."""
    work.sweep()
    work.drain(seconds=_drain_seconds())
