"""Customers, conversations, messages, widgets: tables of each tenant's own schema."""

from conversations.models.talk import (
    Attachment,
    AttachmentContent,
    Conversation,
    ConversationNote,
    Customer,
    Message,
    Rating,
    epoch_new,
)
from conversations.models.team import (
    AgentProfile,
    CannedReply,
    NotificationTarget,
    QueueWait,
    SlaPolicy,
    SlaTarget,
)
from conversations.models.widget import WidgetInstallation, widget_key_new

__all__ = [
    "AgentProfile",
    "Attachment",
    "AttachmentContent",
    "CannedReply",
    "Conversation",
    "ConversationNote",
    "Customer",
    "Message",
    "NotificationTarget",
    "QueueWait",
    "Rating",
    "SlaPolicy",
    "SlaTarget",
    "WidgetInstallation",
    "epoch_new",
    "widget_key_new",
]
