"""What the tenants app adds to the navigation and to the first steps."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core import onboarding
from core.navigation import NavItem, nav
from tenants import selectors


def shell_fill() -> None:
    """Register the entries; called once when the app is ready."""
    nav.register(NavItem("home", _("Today"), "tenants:home", "home", order=0))
    nav.register(
        NavItem("settings", _("Settings"), "tenants:settings", "settings", "team:read", order=90)
    )
    onboarding.register(
        onboarding.ChecklistItem(
            key="team",
            title=_("Add your team"),
            description=_("When the AI does not know, someone takes over. Invite whoever that is."),
            action=_("Invite people"),
            url_name="tenants:settings_team",
            is_done=_has_colleagues,
            scope="team:write",
            order=30,
        )
    )


def _has_colleagues() -> bool:
    return selectors.membership_list()[1:2].exists()
