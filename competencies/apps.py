from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CompetenciesConfig(AppConfig):
    name = "competencies"
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        from competencies.actions.presets import ensure_presets  # noqa: PLC0415

        post_migrate.connect(ensure_presets, sender=self)
