"""Models of the shared schema that belong to no app: the outbox, dead letters, keyed requests."""

from core.events.models import DeadLetter, Delivery, OutboxEvent
from core.idempotency.models import IdempotencyRecord
from core.identifiers import uuid7

__all__ = ["DeadLetter", "Delivery", "IdempotencyRecord", "OutboxEvent", "uuid7"]
