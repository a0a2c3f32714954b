"""Addresses of the inbox and of the widget, at the root of a tenant's host."""

from django.urls import path

from conversations.views import (
    agents,
    canned,
    inbox,
    notifications,
    service_levels,
    triage,
    widget,
    widget_calls,
    widget_settings,
    widget_visitors,
)

app_name = "conversations"

urlpatterns = [
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/list/", inbox.rows, name="list"),
    path("inbox/<uuid:conversation_id>/", inbox.conversation, name="conversation"),
    path("inbox/<uuid:conversation_id>/updates/", inbox.updates, name="updates"),
    path("inbox/<uuid:conversation_id>/reply/", inbox.reply, name="reply"),
    path("inbox/<uuid:conversation_id>/claim/", inbox.claim, name="claim"),
    path("inbox/<uuid:conversation_id>/hand-back/", inbox.hand_back, name="hand_back"),
    path("inbox/<uuid:conversation_id>/resolve/", inbox.resolve, name="resolve"),
    path("inbox/<uuid:conversation_id>/triage/", triage.triage, name="triage"),
    path("inbox/<uuid:conversation_id>/note/", triage.note, name="note"),
    path("inbox/<uuid:conversation_id>/assign/", agents.assign, name="assign"),
    path("inbox/<uuid:conversation_id>/requeue/", agents.requeue, name="requeue"),
    path("inbox/team/", agents.team, name="team"),
    path("inbox/availability/", agents.availability, name="availability"),
    path("settings/agents/", agents.agents, name="agents"),
    path("settings/agents/<uuid:person_id>/", agents.agent, name="agent"),
    path("inbox/<uuid:conversation_id>/canned/", canned.choices, name="canned_choices"),
    path("settings/replies/", canned.replies, name="replies"),
    path("settings/replies/new/", canned.create, name="reply_create"),
    path("settings/replies/<uuid:reply_id>/", canned.edit, name="reply_edit"),
    path("settings/replies/<uuid:reply_id>/delete/", canned.delete, name="reply_delete"),
    path("settings/notifications/", notifications.targets, name="notifications"),
    path(
        "settings/notifications/<uuid:target_id>/remove/",
        notifications.target_remove,
        name="notification_remove",
    ),
    path("settings/service-levels/", service_levels.levels, name="service_levels"),
    path("settings/service-levels/new/", service_levels.level_new, name="service_level_new"),
    path("settings/service-levels/<uuid:policy_id>/", service_levels.level, name="service_level"),
    path(
        "settings/service-levels/<uuid:policy_id>/delete/",
        service_levels.level_delete,
        name="service_level_delete",
    ),
    path("settings/widget/look/", widget_settings.edit, name="widget_settings"),
    path("settings/widget/visitors/", widget_visitors.edit, name="widget_visitors"),
    path("settings/widget/secret/", widget_visitors.secret_rotate, name="widget_secret"),
    path("widget.js", widget.loader, name="widget_loader"),
    path("widget/panel/", widget.panel, name="widget_panel"),
    path("widget/session", widget_calls.session, name="widget_session"),
    path("widget/handover", widget_calls.handover, name="widget_handover"),
    path("widget/visitor", widget_calls.visitor, name="widget_visitor"),
    path("widget/form", widget_calls.form, name="widget_form"),
    path("widget/contact", widget_calls.contact, name="widget_contact"),
    path("widget/rating", widget_calls.rating, name="widget_rating"),
]
