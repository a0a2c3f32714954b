"""What conversations do when something happened elsewhere."""

from conversations.services import handover_notify, queue_assign, widget_ensure
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


@subscriber("conversations.handover_notify", catalogue.HandoverRequested)
def team_notify(stored: StoredEvent) -> None:
    """Tell the team of a visitor whom nobody has come to in time; until then, ask again later."""
    event = stored.event
    assert isinstance(event, catalogue.HandoverRequested)
    handover_notify(conversation_id=event.conversation_id, since=stored.occurred_at)
