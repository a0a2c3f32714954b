"""The analytics app: projections of events, and what is read from them."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from core.navigation import NavItem, nav


class AnalyticsConfig(AppConfig):
    name = "analytics"
    verbose_name = _("Analytics")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the navigation entry and the subscribers."""
        import_module("analytics.subscribers")
        nav.register(
            NavItem(
                key="analytics",
                label=_("Analytics"),
                url_name="analytics:activity",
                icon="chart",
                scope="analytics:read",
                order=60,
            )
        )
