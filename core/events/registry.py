"""Who listens to what: handlers registered at start-up, one delivery per event and subscriber."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.events.catalogue import Event


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as a handler receives it; `event_id` is the idempotency key."""

    event_id: UUID
    tenant_id: UUID
    event: Event
    occurred_at: datetime


class Later(Exception):
    """Raised by a handler that has nothing to do yet: it is called again after so many seconds.

    No attempt is counted; what the handler wrote is undone; other deliveries overtake it.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"in {seconds:.3f} s")
        self.seconds = seconds


Handler = Callable[[StoredEvent], None]
# Forgets what the tenant's stored events of [since, until) left; their replay brings it back.
Rebuild = Callable[[datetime, datetime], None]
Concerns = Callable[[Event], bool]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A named handler; an urgent one is also tried right after the publisher's commit."""

    name: str
    handler: Handler
    events: tuple[type[Event], ...]
    is_urgent: bool
    rebuild: Rebuild | None = None
    concerns: Concerns | None = None

    @property
    def event_names(self) -> list[str]:
        """Return the subjects it listens to."""
        return [event.name for event in self.events]


_subscribers: dict[str, Subscriber] = {}


def subscriber(
    name: str,
    *events: type[Event],
    urgent: bool = False,
    rebuild: Rebuild | None = None,
    concerns: Concerns | None = None,
) -> Callable[[Handler], Handler]:
    """Register a handler for events, under a name that never changes once deployed.

    The handler runs in the event's tenant inside a transaction, at least once, and must be
    idempotent by `StoredEvent.event_id`. First deliveries keep the tenant's order, except urgent
    ones, which trade it for latency. `rebuild(since, until)` runs in the tenant before a replay
    that asks for it: it forgets what the stored events of that span left behind and nothing else,
    may run twice, and the replay brings it back. `concerns` looks at an event when it is published
    and says whether there is anything to deliver at all; it reads nothing but the event.
    """

    def register(handler: Handler) -> Handler:
        known = _subscribers.get(name)
        if known and known.handler.__qualname__ != handler.__qualname__:
            raise ValueError(f"Two subscribers are named {name!r}.")
        _subscribers[name] = Subscriber(name, handler, events, urgent, rebuild, concerns)
        return handler

    return register


def subscribers_for(event: Event) -> list[Subscriber]:
    return [
        found
        for found in _subscribers.values()
        if type(event) in found.events and (found.concerns is None or found.concerns(event))
    ]


def subscriber_get(name: str) -> Subscriber | None:
    return _subscribers.get(name)


def subscribers_all() -> list[Subscriber]:
    return sorted(_subscribers.values(), key=lambda found: found.name)
