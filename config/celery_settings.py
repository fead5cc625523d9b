"""
How Celery runs here. Its messages are doorbells: each may be lost or come twice without harm.

Read by ``config.celery``; the broker's address comes from Django's settings.
"""

from datetime import UTC, datetime

from django.conf import settings
from kombu.transport import redis

from config import environment

broker_url = settings.CELERY_BROKER_URL
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
# A drain goes on without the broker; its message comes again and finds nothing left to do.
worker_cancel_long_running_tasks_on_connection_loss = False

# A save that rings the bell must not wait for a broker that hangs, nor try again: the next
# sweep finds the request in PostgreSQL. These timeouts are for publishing; the worker's own
# reads wait for longer than that by design (BRPOP) and are not cut off by them.
task_publish_retry = False
_PUBLISH_SECONDS = 0.3

# Redis gives a message again that was not acknowledged within this time. The shortest of all
# programs on one broker wins, so it is one number, longer than any task may run.
VISIBILITY_SECONDS = 300
broker_transport_options = {
    "visibility_timeout": VISIBILITY_SECONDS,
    "socket_timeout": _PUBLISH_SECONDS,
    "socket_connect_timeout": _PUBLISH_SECONDS,
    # kombu would try to connect for seconds before it gives up, whatever the publisher asked
    # for. The worker and beat connect with retries of their own, without end.
    "max_retries": 0,
}
# kombu would put back what was fetched and not finished, on the very connection that broke, and
# the worker would die of that. The next sweep finds the work without those messages.
redis.Channel.do_restore = False
visibility_timeout = VISIBILITY_SECONDS
result_backend_transport_options = {"visibility_timeout": VISIBILITY_SECONDS}

task_ignore_result = True
task_serializer = "json"
accept_content = ["json"]
enable_utc = True
timezone = "UTC"

# Seconds after which a task is killed; fault tests make it short.
task_time_limit = int(environment.value("CAIRN_TASK_TIME_LIMIT") or 60)
# A drain ends by itself after eight seconds; one that does not is stuck on a pair and keeps the
# students of its claim locked. Shorter than the claim's lease.
_DRAIN_LIMIT = {"time_limit": min(task_time_limit, 20)}
task_annotations = {"mastery.drain": _DRAIN_LIMIT, "mastery.sweep": _DRAIN_LIMIT}
worker_prefetch_multiplier = 1
worker_soft_shutdown_timeout = 30
worker_hijack_root_logger = False
worker_send_task_events = False

_SWEEP_SECONDS = float(environment.value("CAIRN_SWEEP_SECONDS") or 5)
beat_schedule = {
    "sweep": {
        "task": "mastery.sweep",
        "schedule": _SWEEP_SECONDS,
        "last_run_at": datetime(2000, 1, 1, tzinfo=UTC),  # so the first is due at once
        # Sweeps that pile up while no worker runs are worth nothing: the newest does all.
        "options": {"expires": _SWEEP_SECONDS * 2},
    }
}
