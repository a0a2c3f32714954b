"""Events: an outbox that commits with the change, and subscribers that see each at least once."""

from core.events import catalogue
from core.events.registry import StoredEvent, subscriber

__all__ = ["StoredEvent", "catalogue", "publish", "subscriber"]


def publish(event: catalogue.Event) -> None:
    """Store `event` in the caller's transaction (see `core.events.publish`)."""
    from core.events.outbox import publish as store

    store(event)
