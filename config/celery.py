"""
Celery carries doorbells, never state: PostgreSQL is the queue of record.

A lost message costs the few seconds until the next sweep, a doubled one costs nothing.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("cairn")
app.config_from_object("config.celery_settings")
app.autodiscover_tasks(["mastery"])

__all__ = ["app"]
