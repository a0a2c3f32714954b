"""What conversations add to the navigation, to the first steps and to other apps' pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from conversations import selectors
from conversations.preferences import VisitorRules, WidgetLook, WidgetVisitors
from conversations.reachability import reachability_register
from conversations.services import widget as widget_services
from conversations.support_preferences import AssignmentRules, SupportHours
from conversations.types import DEFAULT_QUEUE
from core import fragments, onboarding, tenancy
from core.navigation import NavItem, nav
from tenants.permissions import scopes_for
from tenants.preferences import SettingGroup, group_register
from tenants.selectors import tenant_base_url, tenant_for_host
from tenants.views.platform import SHOWCASE_SLUG

WAITING_SHOWN = 5


def shell_fill() -> None:
    """Register the entries; called once when the app is ready."""
    reachability_register("office_hours", _team_is_there)
    nav.register(
        NavItem("inbox", _("Inbox"), "conversations:inbox", "inbox", "conversations:read", order=10)
    )
    fragments.register("widget_snippet", widget_snippet)
    fragments.register("widget_embed", widget_embed)
    fragments.register("platform_widget", platform_widget)
    fragments.register("home_today", waiting_today, order=10)
    _groups_register()
    onboarding.register(
        onboarding.ChecklistItem(
            key="widget",
            title=_("Put the chat on your site"),
            description=_("One line of script. This step is done when someone opens the chat."),
            action=_("Copy the snippet"),
            url_name="tenants:settings_widget",
            is_done=selectors.visitor_exists,
            scope="settings:read",
            order=20,
        )
    )
    onboarding.register(
        onboarding.ChecklistItem(
            key="first_conversation",
            title=_("Have your first conversation"),
            description=_("Open the chat and ask it something a visitor would ask."),
            action=_("Open the inbox"),
            url_name="conversations:inbox",
            is_done=_has_conversation,
            scope="conversations:read",
            order=40,
        )
    )


def _groups_register() -> None:
    group_register(
        SettingGroup(
            WidgetLook,
            _("Chat widget"),
            _("Where visitors meet the chat, and how it greets them."),
            order=30,
            page="conversations:widget_settings",
            read=widget_services.look_read,
            write=widget_services.look_write,
        )
    )
    group_register(
        SettingGroup(
            WidgetVisitors,
            _("Visitors of the widget"),
            _("What they are asked before and after, and who may say who they are."),
            order=35,
            page="conversations:widget_visitors",
            read=widget_services.visitors_read,
            write=widget_services.visitors_write,
        )
    )
    group_register(
        SettingGroup(
            VisitorRules, _("Visitors"), _("How long the chat knows who came back."), order=40
        )
    )
    group_register(
        SettingGroup(
            SupportHours,
            _("Office hours"),
            _("When people of the team answer, in the workspace's time zone."),
            order=50,
        )
    )
    group_register(
        SettingGroup(
            AssignmentRules,
            _("Assignment"),
            _("How conversations that wait for a person find one."),
            order=51,
        )
    )


def widget_snippet(request: HttpRequest) -> SafeString:
    """Return the one line of script that puts this workspace's widget on a page, to be read."""
    return escape(_script_line(tenancy.require().slug))


def widget_embed(request: HttpRequest) -> SafeString:
    """Return the same line as markup, for a page that carries the widget itself."""
    return _script_line(tenancy.require().slug)


def platform_widget(request: HttpRequest) -> SafeString:
    """Return the script line of the showcase workspace, which answers questions on the product."""
    tenant = tenant_for_host(urlsplit(tenant_base_url(SHOWCASE_SLUG)).hostname or "")
    if tenant is None:
        return SafeString("")
    with tenancy.tenant_scope(tenant):
        return _script_line(tenant.slug)


def _script_line(slug: str) -> SafeString:
    widget = selectors.widget_current()
    if widget is None:
        return SafeString("")
    line = '<script src="{}/widget.js" data-key="{}" async></script>'
    return format_html(line, tenant_base_url(slug), widget.key)


def waiting_today(request: HttpRequest) -> str:
    """Return a card of who waits for a person, or nothing while nobody does."""
    if "conversations:read" not in scopes_for(request):
        return ""
    waiting = list(
        selectors.queue_list(queue=DEFAULT_QUEUE).select_related("customer")[: WAITING_SHOWN + 1]
    )
    if not waiting:
        return ""
    context = {"waiting": waiting[:WAITING_SHOWN], "has_more": len(waiting) > WAITING_SHOWN}
    return render_to_string("conversations/today.html", context, request)


def _team_is_there() -> bool | None:
    """Return False outside the office hours; inside them the open inboxes decide."""
    return None if selectors.team_opens_at() is None else False


def _has_conversation() -> bool:
    return selectors.conversation_list()[:1].exists()
