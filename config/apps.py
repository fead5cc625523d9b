from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class CairnConfig(AppConfig):
    """The project's own work after a migration."""

    name = "config"

    def ready(self) -> None:
        from config import privileges  # noqa: PLC0415

        # Sent for apps with models only; the last of them has every table behind it.
        last = apps.get_app_config("mastery")
        post_migrate.connect(privileges.grant_after_migrate, sender=last)
