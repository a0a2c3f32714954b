"""Events: an outbox that commits with the change, and subscribers that see each at least once."""

from core.events import catalogue
from core.events.registry import StoredEvent, subscriber

__all__ = ["StoredEvent", "catalogue", "publish", "redrive", "subscriber"]


def publish(event: catalogue.Event) -> None:
    """Store `event` in the caller's transaction (see `core.events.publish`)."""
    from core.events.outbox import publish as store

    store(event)


def redrive(delivery_ids: list[int]) -> int:
    """Put dead letters back in line (see `core.events.deliver`)."""
    from core.events.deliver import redrive as put_back

    return put_back(delivery_ids)
