"""What conversations do when something happened elsewhere."""

from conversations.services import queue_assign, widget_ensure
from core.events import StoredEvent, catalogue, subscriber


@subscriber("conversations.widget_ensure", catalogue.TenantCreated)
def widget_create(stored: StoredEvent) -> None:
    """Give a new workspace its widget."""
    widget_ensure()


@subscriber(
    "conversations.queue_assign",
    catalogue.HandoverRequested,
    catalogue.ConversationResolved,
    catalogue.ConversationHandedBack,
)
def waiting_assign(stored: StoredEvent) -> None:
    """Give those who wait to who has room: somebody has begun to wait, or an agent is free."""
    queue_assign()
