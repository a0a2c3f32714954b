"""Events: an outbox that commits with the change, and subscribers that see each at least once."""

from collections.abc import Sequence
from typing import Any

from core.events import catalogue
from core.events.registry import Later, StoredEvent, subscriber

__all__ = ["Later", "StoredEvent", "catalogue", "publish", "publish_with", "subscriber"]


def publish(event: catalogue.Event) -> None:
    """Store `event` in the caller's transaction (see `core.events.publish`)."""
    from core.events.outbox import publish as store

    store(event)


def publish_with(change: str, values: Sequence[Any], event: catalogue.Event) -> int:
    """Make a change and store `event` in one statement (see `core.events.outbox`)."""
    from core.events.outbox import publish_with as store

    return store(change, values, event)
