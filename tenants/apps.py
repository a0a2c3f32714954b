"""Tenants, their people, keys and hosts."""

from django.apps import AppConfig

from core.observability.checks import readiness_register


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Tenants"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from tenants import subscribers  # noqa: F401 - registers the handlers
        from tenants.sessions import session_bind
        from tenants.shell import shell_fill
        from tenants.switches import signals  # noqa: F401 - registers what the monitor reads
        from tenants.switches.state import switches_check

        user_logged_in.connect(session_bind, dispatch_uid="tenants.session_bind")
        readiness_register("switches", switches_check)
        shell_fill()
