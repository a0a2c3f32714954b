"""Models of the shared schema that belong to no app: the outbox, its deliveries, dead letters."""

from core.events.models import DeadLetter, Delivery, OutboxEvent
from core.identifiers import uuid7

__all__ = ["DeadLetter", "Delivery", "OutboxEvent", "uuid7"]
