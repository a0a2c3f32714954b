"""The routing app: features, intents, tiers, providers."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from core.navigation import NavItem, nav
from tenants.switches.signals import Signal, signal_register
from tenants.switches.types import Switch


class RoutingConfig(AppConfig):
    name = "routing"
    verbose_name = _("Routing")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the navigation entry, and what tells the load monitor of failing providers."""
        share = import_module("routing.outcomes").failure_share
        signal_register(Signal("provider_failures", Switch.REMOTE_MODELS_OFF, 0.5, 0.2, share))
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
