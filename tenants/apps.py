"""Tenants, their people, keys and hosts."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Tenants"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from tenants import subscribers  # noqa: F401 - registers the handlers
        from tenants.preferences.groups import groups_register
        from tenants.sessions import session_bind
        from tenants.shell import shell_fill

        user_logged_in.connect(session_bind, dispatch_uid="tenants.session_bind")
        groups_register()
        shell_fill()
