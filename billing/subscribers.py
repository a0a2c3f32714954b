"""What billing does when something happened elsewhere."""

from billing import services
from billing.metering import METERED
from core.events import StoredEvent, catalogue, subscriber


@subscriber("billing.usage_meter", *METERED)
def usage_meter(stored: StoredEvent) -> None:
    """Enter what the event used into the ledger."""
    services.usage_meter(stored=stored)


@subscriber("billing.subscription_start", catalogue.TenantCreated)
def subscription_start(stored: StoredEvent) -> None:
    """Give a new tenant its subscription and limits."""
    assert isinstance(stored.event, catalogue.TenantCreated)
    services.subscription_start(plan_code=stored.event.plan, started_at=stored.occurred_at)
