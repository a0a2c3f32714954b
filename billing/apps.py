"""The billing app: plans, subscriptions, the usage ledger."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from core.navigation import NavItem, nav
from tenants.admission.quota import usage_reader_register


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = _("Billing")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the navigation entry, the subscribers and the reader of used quotas."""
        import_module("billing.subscribers")
        usage_reader_register(import_module("billing.selectors").quantity_since)
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
