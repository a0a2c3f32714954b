"""Writes of conversations: messages, handover between AI and people, visitors, the widget."""

from conversations.services.agents import (
    AgentChanges,
    agent_left,
    agent_seen,
    agent_update,
    availability_set,
)
from conversations.services.assignment import (
    conversation_assign,
    conversation_requeue,
    overdue_requeue,
    queue_assign,
)
from conversations.services.attachments import (
    attachment_discard,
    attachment_upload,
    attachments_sweep,
    size_check,
)
from conversations.services.canned import (
    canned_reply_create,
    canned_reply_delete,
    canned_reply_update,
)
from conversations.services.chat import chat_answer_wait, chat_message_receive
from conversations.services.details import (
    attributes_note,
    contact_claim,
    contact_leave,
    form_answer,
)
from conversations.services.handover import (
    conversation_claim,
    conversation_hand_back,
    conversation_resolve,
    handover_request,
)
from conversations.services.identity import identity_secret_rotate
from conversations.services.messages import (
    agent_reply,
    conversation_read,
    message_receive,
    reply_append,
)
from conversations.services.notes import note_add
from conversations.services.notifications import (
    handover_notify,
    notification_send,
    notification_target_add,
    notification_target_remove,
)
from conversations.services.ratings import rating_give
from conversations.services.service_levels import breaches_note, policy_delete, policy_save
from conversations.services.triage import Triage, conversation_triage, snoozed_wake
from conversations.services.visitors import (
    customer_ensure,
    customer_update,
    visitor_authenticate,
    visitor_conversation,
    visitor_session_start,
)
from conversations.services.widget import (
    widget_ensure,
    widget_look_change,
    widget_update,
    widget_visitors_change,
)

__all__ = [
    "AgentChanges",
    "Triage",
    "agent_left",
    "agent_reply",
    "agent_seen",
    "agent_update",
    "attachment_discard",
    "attachment_upload",
    "attachments_sweep",
    "attributes_note",
    "availability_set",
    "breaches_note",
    "canned_reply_create",
    "canned_reply_delete",
    "canned_reply_update",
    "chat_answer_wait",
    "chat_message_receive",
    "contact_claim",
    "contact_leave",
    "conversation_assign",
    "conversation_claim",
    "conversation_hand_back",
    "conversation_read",
    "conversation_requeue",
    "conversation_resolve",
    "conversation_triage",
    "customer_ensure",
    "customer_update",
    "form_answer",
    "handover_notify",
    "handover_request",
    "identity_secret_rotate",
    "message_receive",
    "note_add",
    "notification_send",
    "notification_target_add",
    "notification_target_remove",
    "overdue_requeue",
    "policy_delete",
    "policy_save",
    "queue_assign",
    "rating_give",
    "reply_append",
    "size_check",
    "snoozed_wake",
    "visitor_authenticate",
    "visitor_conversation",
    "visitor_session_start",
    "widget_ensure",
    "widget_look_change",
    "widget_update",
    "widget_visitors_change",
]
