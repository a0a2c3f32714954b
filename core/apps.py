"""What every app stands on."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "Core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from core.audit import tasks as audit_tasks  # noqa: F401 - registers the tasks
        from core.idempotency import tasks  # noqa: F401 - registers the sweep
