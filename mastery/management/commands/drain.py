"""Work off the queue here, without a worker."""

from typing import Any

from django.core.management.base import BaseCommand

from mastery.actions.drain import drain
from mastery.queries import queue_health
from students.management import output
from students.problems import Progress


class Command(BaseCommand):
    help = "Decide everything that waits, as a worker does; safe beside running workers."

    def handle(self, *args: Any, **options: Any) -> None:
        progress = Progress(queue_health().waiting, "pairs", output.errors(self))
        while (health := queue_health()).waiting:
            finished = drain(seconds=1.0)
            progress.advance(finished)
            if not finished:
                break
        progress.finish()
        self.stdout.write(
            f"{progress.done:,} pairs decided; {health.waiting:,} wait, "
            f"{health.quarantined:,} are quarantined."
        )
