"""Addresses of the inbox and of the widget, at the root of a tenant's host."""

from django.urls import path

from conversations.views import agents, canned, inbox, triage, widget, widget_settings

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
    path("settings/widget/look/", widget_settings.edit, name="widget_settings"),
    path("widget.js", widget.loader, name="widget_loader"),
    path("widget/panel/", widget.panel, name="widget_panel"),
    path("widget/session", widget.session, name="widget_session"),
    path("widget/handover", widget.handover, name="widget_handover"),
]
