"""The workflows app."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WorkflowsConfig(AppConfig):
    """Registers step types, subscribers and the navigation entry."""

    name = "workflows"
    verbose_name = _("Workflows")

    def ready(self) -> None:
        """Fill the registers that other apps read."""
        from django.conf import settings

        from core.navigation import NavItem, nav
        from tenants.switches.signals import Signal, signal_register
        from tenants.switches.types import Switch
        from workflows import dispatch, steps, subscribers  # noqa: F401  # importing registers handlers

        steps.load()
        for module in settings.TOOL_MODULES:
            import_module(module)
        signal_register(Signal("run_backlog", Switch.ANALYTICS_OFF, 500.0, 100.0, dispatch.backlog))
        nav.register(
            NavItem(
                key="workflows",
                label=_("Workflows"),
                url_name="workflows:index",
                icon="workflow",
                scope="workflows:read",
                order=40,
            )
        )
