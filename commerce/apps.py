"""The commerce app: products, orders, the demo storefront."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from core.navigation import NavItem, nav


class CommerceConfig(AppConfig):
    name = "commerce"
    verbose_name = _("Commerce")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the navigation entry."""
        nav.register(
            NavItem(
                key="orders",
                label=_("Orders"),
                url_name="commerce:orders",
                icon="cart",
                scope="commerce:read",
                order=40,
            )
        )
