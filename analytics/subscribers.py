"""What analytics does when something happened elsewhere."""

from analytics import services
from analytics.projection import PROJECTED
from core.events import StoredEvent, subscriber


@subscriber("analytics.activity_project", *PROJECTED)
def activity_project(stored: StoredEvent) -> None:
    """Count the event into its day."""
    services.activity_project(stored=stored)
