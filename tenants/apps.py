"""Tenants, their people, keys and hosts."""

from django.apps import AppConfig

from core.observability.checks import readiness_register


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Tenants"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

        from tenants import subscribers  # noqa: F401 - registers the handlers
        from tenants.accounts.sessions import session_forget, session_note
        from tenants.preferences.groups import groups_register
        from tenants.sessions import session_bind, sign_in_record, sign_out_record
        from tenants.shell import shell_fill
        from tenants.switches import signals  # noqa: F401 - registers what the monitor reads
        from tenants.switches.state import switches_check
        from tenants.threats.signals import sign_in_failure_note

        user_logged_in.connect(session_bind, dispatch_uid="tenants.session_bind")
        user_logged_in.connect(sign_in_record, dispatch_uid="tenants.sign_in_record")
        user_logged_out.connect(sign_out_record, dispatch_uid="tenants.sign_out_record")
        user_login_failed.connect(sign_in_failure_note, dispatch_uid="tenants.sign_in_failure")
        readiness_register("switches", switches_check)
        groups_register()
        user_logged_in.connect(session_note, dispatch_uid="tenants.session_note")
        user_logged_out.connect(session_forget, dispatch_uid="tenants.session_forget")
        shell_fill()
