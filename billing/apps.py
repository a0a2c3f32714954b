"""The billing app: plans, subscriptions, the usage ledger."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from core.navigation import NavItem, nav


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = _("Billing")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the navigation entry and the subscribers."""
        import_module("billing.subscribers")
        nav.register(
            NavItem(
                key="billing",
                label=_("Usage"),
                url_name="billing:usage",
                icon="card",
                scope="billing:read",
                order=70,
            )
        )
