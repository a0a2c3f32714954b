"""What conversations do when something happened elsewhere."""

from conversations.services import widget_ensure
from core.events import StoredEvent, catalogue, subscriber


@subscriber("conversations.widget_ensure", catalogue.TenantCreated)
def widget_create(stored: StoredEvent) -> None:
    """Give a new workspace its widget."""
    widget_ensure()
