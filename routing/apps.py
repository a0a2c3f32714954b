"""The routing app: features, intents, tiers, providers."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from core.navigation import NavItem, nav


class RoutingConfig(AppConfig):
    name = "routing"
    verbose_name = _("Routing")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the navigation entry."""
        nav.register(
            NavItem(
                key="routing",
                label=_("Routing"),
                url_name="routing:decisions",
                icon="route",
                scope="routing:read",
                order=50,
            )
        )
