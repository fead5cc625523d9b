"""
Whether this installation is alive, and whether it can do its work.

For machines that watch: no sign-in, no personal data, an answer within a few seconds whatever
hangs.
"""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from config.celery import app

if TYPE_CHECKING:
    from mastery.queries import QueueHealth

WORKER_SECONDS = 30  # a worker is heard of at every sweep; this many without is too long
WAITING_SECONDS = 120  # a request that waits longer than this says nobody works
ANSWER_SECONDS = 3

# A server that hangs holds its check for as long as it likes, never the request: one thread waits
# for each, and later questions are answered without it.
_database_checks = ThreadPoolExecutor(max_workers=1, thread_name_prefix="health-database")
_broker_checks = ThreadPoolExecutor(max_workers=1, thread_name_prefix="health-broker")


@require_safe
@never_cache
def live(_request: HttpRequest) -> HttpResponse:
    """Answer "ok" if this process can answer at all; nothing else is asked."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def ready(_request: HttpRequest) -> JsonResponse:
    """
    Answer 200 if every part works and 503 if not, with the parts that fail.

    ``database`` and ``broker``: whether they answer. ``worker``: seconds since one was last heard
    of. ``queue``: seconds that the oldest request has waited, how many wait, how many were set
    aside.
    """
    deadline = time.monotonic() + ANSWER_SECONDS
    database, broker = _database_checks.submit(_database), _broker_checks.submit(_broker)
    health = _result(database, deadline)
    checks: dict[str, Any] = {
        "database": health if isinstance(health, str) else "ok",
        "broker": _result(broker, deadline),
        "worker": "unknown",
        "queue": "unknown",
    }
    failing = [name for name in ("database", "broker") if checks[name] != "ok"]
    if not isinstance(health, str):
        checks["worker"] = {"seen_seconds_ago": health.worker_seen_seconds_ago}
        checks["queue"] = {
            "oldest_waiting_seconds": health.oldest_waiting_seconds,
            "waiting": health.waiting,
            "quarantined": health.quarantined,
        }
        failing += _late(health)
    return JsonResponse(
        {"ready": not failing, "failing": failing, "checks": checks},
        status=503 if failing else 200,
    )


def _late(health: "QueueHealth") -> list[str]:
    seen = health.worker_seen_seconds_ago
    late = []
    if seen is None or seen > WORKER_SECONDS:
        late.append("worker")
    if (health.oldest_waiting_seconds or 0) > WAITING_SECONDS:
        late.append("queue")
    return late


def _result(pending: Future[Any], deadline: float) -> Any:
    try:
        return pending.result(timeout=max(0, deadline - time.monotonic()))
    except NotInTime:
        pending.cancel()
        return f"no answer within {ANSWER_SECONDS} s"


def _database() -> "QueueHealth | str":
    """Return what the queue looks like, or the kind of error why it cannot be read."""
    from mastery.queries import queue_health  # noqa: PLC0415 - models are loaded by now

    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {ANSWER_SECONDS * 1000}")
            return queue_health()
    except DatabaseError as error:  # its words may name hosts and people
        return type(error).__name__
    finally:
        connection.close()  # this thread's own


def _broker() -> str:
    """Return "ok", or the kind of error why the broker does not answer."""
    with app.connection_for_write() as broker:
        try:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=1)
            broker.channel().close()
        except (OperationalError, *broker.connection_errors, *broker.channel_errors) as error:
            return type(error).__name__
    return "ok"
