"""What the tenants app does when something happened elsewhere."""

from core import directory
from core.events import StoredEvent, catalogue, subscriber


@subscriber("tenants.directory_forget", catalogue.TenantCreated, urgent=True)
def directory_forget(stored: StoredEvent) -> None:
    """Forget remembered host lookups, so that a new workspace answers at once."""
    directory.cache_forget()
