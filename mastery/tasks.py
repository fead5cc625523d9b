"""What Celery runs. No task carries data: each looks for its work in the database."""

from celery import shared_task

from mastery.actions import drain as work

# Short of the task's time limit, so that a drain ends by itself and rings for the next.
DRAIN_SECONDS = 8.0


@shared_task(name="mastery.drain", acks_late=True, reject_on_worker_lost=True)
def drain() -> None:
    """Work off what waits in the queue; an empty queue costs two queries."""
    work.beat()
    work.drain(seconds=DRAIN_SECONDS)


@shared_task(name="mastery.sweep")
def sweep() -> None:
    """Find what the doorbell did not announce and what falls due, and work it off."""
    work.sweep()
    work.drain(seconds=DRAIN_SECONDS)
