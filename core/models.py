"""Models of the shared schema that belong to no app: outbox, keyed requests, the audit log."""

from core.audit.models import AuditCheckpoint, AuditEntry, AuditHead
from core.events.models import DeadLetter, Delivery, EventReplay, OutboxEvent
from core.idempotency.models import IdempotencyRecord
from core.identifiers import uuid7

__all__ = [
    "AuditCheckpoint",
    "AuditEntry",
    "AuditHead",
    "DeadLetter",
    "Delivery",
    "EventReplay",
    "IdempotencyRecord",
    "OutboxEvent",
    "uuid7",
]
