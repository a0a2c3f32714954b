"""The workflows app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WorkflowsConfig(AppConfig):
    """Registers step types, subscribers and the navigation entry."""

    name = "workflows"
    verbose_name = _("Workflows")
