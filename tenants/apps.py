"""Tenants, their people, keys and hosts."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Tenants"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in, user_logged_out

        from tenants import subscribers  # noqa: F401 - registers the handlers
        from tenants.accounts.sessions import session_forget, session_note
        from tenants.sessions import session_bind
        from tenants.shell import shell_fill

        user_logged_in.connect(session_bind, dispatch_uid="tenants.session_bind")
        user_logged_in.connect(session_note, dispatch_uid="tenants.session_note")
        user_logged_out.connect(session_forget, dispatch_uid="tenants.session_forget")
        shell_fill()
