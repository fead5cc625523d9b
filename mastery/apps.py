from django.apps import AppConfig


class MasteryConfig(AppConfig):
    name = "mastery"
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        from mastery import receivers  # noqa: F401, PLC0415  (listening is its effect)
