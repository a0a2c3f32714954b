"""What analytics does when something happened elsewhere."""

from datetime import datetime

from analytics import services
from analytics.projection import PROJECTED
from core.events import StoredEvent, subscriber


def activity_forget(since: datetime, until: datetime) -> None:
    """Forget what a replay is about to count again."""
    services.activity_forget(since=since, until=until)


@subscriber("analytics.activity_project", *PROJECTED, rebuild=activity_forget)
def activity_project(stored: StoredEvent) -> None:
    """Count the event into its day."""
    services.activity_project(stored=stored)
