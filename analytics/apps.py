"""The analytics app: projections of events, and what is read from them."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AnalyticsConfig(AppConfig):
    name = "analytics"
    verbose_name = _("Analytics")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the subscribers and what other pages show."""
        from analytics.shell import shell_fill

        import_module("analytics.subscribers")
        shell_fill()
