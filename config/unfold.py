"""The look and the sidebar of the platform's admin (django-unfold)."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _item(title: Any, icon: str, url_name: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{url_name}")}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("Frontdesk platform"),
    "SITE_HEADER": "Frontdesk",
    "SITE_SUBHEADER": _("Platform"),
    "SITE_URL": "/",
    "SITE_ICON": lambda request: static("favicon.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("favicon.svg")}
    ],
    "DASHBOARD_CALLBACK": "tenants.dashboard.dashboard_context",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "primary": {
            "50": "#edf7f3",
            "100": "#d5ece3",
            "200": "#abd9c8",
            "300": "#7cc2a9",
            "400": "#4ba588",
            "500": "#238a6c",
            "600": "#0e7058",
            "700": "#0e5f4c",
            "800": "#0d4c3e",
            "900": "#0b3f34",
            "950": "#052620",
        }
    },
    "SIDEBAR": {
        "show_search": True,
        "navigation": [
            {
                "title": _("Workspaces"),
                "items": [
                    _item(_("Tenants"), "storefront", "tenants_tenant_changelist"),
                    _item(_("Domains"), "language", "tenants_domain_changelist"),
                    _item(_("People"), "person", "tenants_person_changelist"),
                    _item(_("Memberships"), "badge", "tenants_membership_changelist"),
                    _item(_("API keys"), "key", "tenants_apikey_changelist"),
                ],
            },
            {
                "title": _("Features and settings"),
                "items": [
                    _item(_("Flags"), "flag", "tenants_flag_changelist"),
                    _item(_("Flags of workspaces"), "toggle_on", "tenants_flagoverride_changelist"),
                    _item(_("Flag history"), "history", "tenants_flagchange_changelist"),
                    _item(_("Settings"), "settings", "tenants_workspacesetting_changelist"),
                    _item(_("Setting history"), "history", "tenants_settingchange_changelist"),
                ],
            },
            {
                "title": _("You"),
                "items": [
                    {
                        "title": _("Two-step sign-in"),
                        "icon": "shield",
                        "link": reverse_lazy("account_security"),
                    }
                ],
            },
            {
                "title": _("Business"),
                "items": [
                    _item(_("Plans"), "sell", "billing_plan_changelist"),
                    _item(_("Subscriptions"), "autorenew", "billing_subscription_changelist"),
                    _item(_("Usage"), "monitoring", "billing_usageentry_changelist"),
                ],
            },
            {
                "title": _("Load"),
                "items": [
                    _item(_("Degrade switches"), "toggle_off", "tenants_degradeswitch_changelist"),
                ],
            },
            {
                "title": _("Events"),
                "items": [
                    _item(_("Outbox"), "outbox", "core_outboxevent_changelist"),
                    _item(_("Deliveries"), "local_shipping", "core_delivery_changelist"),
                    _item(_("Dead letters"), "report", "core_deadletter_changelist"),
                    _item(_("Replays"), "replay", "core_eventreplay_changelist"),
                ],
            },
        ],
    },
}
