"""REST addresses of conversations, under /api/v1/."""

from django.urls import path

from conversations.api import (
    agents,
    attachments,
    canned,
    chat,
    customers,
    inbox,
    notifications,
    ratings,
    search,
    service_levels,
    triage,
)

_ONE = "conversations/<uuid:conversation_id>"

urlpatterns = [
    path("chat/message", chat.ChatMessageView.as_view(), name="api_chat_message"),
    path("chat/messages/<uuid:message_id>", chat.ChatStatusView.as_view(), name="api_chat_status"),
    path("conversations", inbox.ConversationListView.as_view(), name="api_conversations"),
    path("conversations/search", search.SearchView.as_view(), name="api_conversation_search"),
    path(_ONE, inbox.ConversationDetailView.as_view(), name="api_conversation"),
    path(f"{_ONE}/messages", inbox.MessageListView.as_view(), name="api_conversation_messages"),
    path(
        f"{_ONE}/attachments",
        attachments.AttachmentListView.as_view(),
        name="api_conversation_attachments",
    ),
    path(
        "attachments/<uuid:attachment_id>",
        attachments.AttachmentView.as_view(),
        name="api_attachment",
    ),
    path(f"{_ONE}/claim", inbox.ClaimView.as_view(), name="api_conversation_claim"),
    path(f"{_ONE}/hand-back", inbox.HandBackView.as_view(), name="api_conversation_hand_back"),
    path(f"{_ONE}/resolve", inbox.ResolveView.as_view(), name="api_conversation_resolve"),
    path(f"{_ONE}/triage", triage.TriageView.as_view(), name="api_conversation_triage"),
    path(f"{_ONE}/notes", triage.NoteListView.as_view(), name="api_conversation_notes"),
    path(f"{_ONE}/assign", agents.AssignView.as_view(), name="api_conversation_assign"),
    path(f"{_ONE}/requeue", agents.RequeueView.as_view(), name="api_conversation_requeue"),
    path(f"{_ONE}/sla", service_levels.TargetListView.as_view(), name="api_conversation_sla"),
    path("notifications", notifications.TargetListView.as_view(), name="api_notifications"),
    path(
        "notifications/<uuid:target_id>",
        notifications.TargetView.as_view(),
        name="api_notification",
    ),
    path("sla-policies", service_levels.PolicyListView.as_view(), name="api_sla_policies"),
    path(
        "sla-policies/<uuid:policy_id>",
        service_levels.PolicyView.as_view(),
        name="api_sla_policy",
    ),
    path("agents", agents.AgentListView.as_view(), name="api_agents"),
    path("agents/<uuid:person_id>", agents.AgentView.as_view(), name="api_agent"),
    path(
        "agents/<uuid:person_id>/availability",
        agents.AvailabilityView.as_view(),
        name="api_agent_availability",
    ),
    path("canned-replies", canned.CannedReplyListView.as_view(), name="api_canned_replies"),
    path(
        "canned-replies/<uuid:reply_id>",
        canned.CannedReplyView.as_view(),
        name="api_canned_reply",
    ),
    path("ratings", ratings.RatingListView.as_view(), name="api_ratings"),
    path("customers", customers.CustomerListView.as_view(), name="api_customers"),
    path("customers/<uuid:pk>", customers.CustomerDetailView.as_view(), name="api_customer"),
    path("widget", customers.WidgetView.as_view(), name="api_widget"),
]
