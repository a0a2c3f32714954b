"""Every event of the system: frozen, versioned, without personal data.

Fields are ids, enums and numbers only; who wants text or names asks the owner by id. A field is
added with a default, never renamed or removed; a changed meaning is a new version.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, dataclass_transform
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

_by_name: dict[str, type[Event]] = {}
_adapters: dict[str, TypeAdapter[Any]] = {}


def _adapter(kind: type[Event]) -> TypeAdapter[Any]:
    """Return a type's adapter, built once: building one costs a millisecond."""
    if kind.name not in _adapters:
        _adapters[kind.name] = TypeAdapter(kind)
    return _adapters[kind.name]


class EventUnreadable(ValueError):
    """Raised for what is stored and cannot be read as an event by this release."""


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events; `name` is the subject on every bus."""

    name: ClassVar[str] = ""
    version: ClassVar[int] = 1

    def payload(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        dumped: dict[str, Any] = _adapter(type(self)).dump_python(self, mode="json")
        return dumped


E = TypeVar("E", bound=Event)


@dataclass_transform(kw_only_default=True, frozen_default=True)
def event(name: str, version: int = 1) -> Callable[[type[E]], type[E]]:
    """Register a frozen dataclass under its subject."""

    def register(cls: type[E]) -> type[E]:
        made = dataclass(frozen=True, slots=True, kw_only=True)(cls)
        made.name, made.version = name, version
        _by_name[name] = made
        return made

    return register


def event_decode(name: str, payload: dict[str, Any]) -> Event:
    """Return the event stored under `name`.

    Raises EventUnreadable for a name nobody registered and for fields that do not fit; its message
    names fields, never their values.
    """
    kind = _by_name.get(name)
    if kind is None:
        raise EventUnreadable(f"no event is named {name}")
    try:
        decoded: Event = _adapter(kind).validate_python(payload)
    except ValidationError as error:
        wrong = (
            f"{'.'.join(str(part) for part in found['loc']) or 'payload'}: {found['type']}"
            for found in error.errors(include_input=False, include_url=False)
        )
        raise EventUnreadable(f"{name}: {', '.join(wrong)}") from None
    return decoded


@event("tenant.created")
class TenantCreated(Event):
    tenant_id: UUID
    plan: str


@event("person.joined")
class PersonJoined(Event):
    person_id: UUID
    role: str


@event("api_key.created")
class ApiKeyCreated(Event):
    key_id: UUID
    created_by: UUID | None = None


@event("api_key.rotated")
class ApiKeyRotated(Event):
    key_id: UUID
    replaced_by: UUID
    overlap_seconds: int
    rotated_by: UUID | None = None


@event("settings.changed")
class SettingsChanged(Event):
    group: str
    to_version: int
    changed_by: UUID | None = None


@event("api_key.revoked")
class ApiKeyRevoked(Event):
    key_id: UUID
    revoked_by: UUID | None = None


@event("token.reuse_detected")
class TokenReuseDetected(Event):
    family_id: UUID
    person_id: UUID


@event("ingest.doc.ingested")
class DocumentIngested(Event):
    document_id: UUID
    chunks: int
    bytes: int


@event("ingest.doc.failed")
class DocumentFailed(Event):
    document_id: UUID
    code: str


@event("ingest.doc.deleted")
class DocumentDeleted(Event):
    document_id: UUID


@event("conversation.message.received")
class MessageReceived(Event):
    conversation_id: UUID
    message_id: UUID
    seq: int
    characters: int


@event("conversation.attachment.stored")
class AttachmentStored(Event):
    conversation_id: UUID
    attachment_id: UUID
    bytes: int


@event("conversation.reply.appended")
class ReplyAppended(Event):
    conversation_id: UUID
    message_id: UUID
    run_id: UUID
    seq: int
    citations: int


@event("conversation.handover.requested")
class HandoverRequested(Event):
    conversation_id: UUID
    reason: str
    queue: str


@event("conversation.claimed")
class ConversationClaimed(Event):
    conversation_id: UUID
    person_id: UUID


@event("conversation.handed_back")
class ConversationHandedBack(Event):
    conversation_id: UUID
    person_id: UUID


@event("security.event.noted")
class SecurityEventNoted(Event):
    security_event_id: UUID
    kind: str
    severity: str


@event("conversation.resolved")
class ConversationResolved(Event):
    conversation_id: UUID
    by: str


@event("conversation.sla.breached")
class SlaBreached(Event):
    conversation_id: UUID
    target_id: UUID
    kind: str


@event("conversation.rated")
class ConversationRated(Event):
    conversation_id: UUID
    rating_id: UUID
    score: int
    earlier_score: int | None = None


@event("customer.identified")
class CustomerIdentified(Event):
    """`carried_from` is the anonymous visitor whose conversations are theirs now."""

    customer_id: UUID
    carried_from: UUID | None = None


@event("conversation.agent.replied")
class AgentReplied(Event):
    conversation_id: UUID
    message_id: UUID
    person_id: UUID


@event("agent.run.completed")
class RunCompleted(Event):
    run_id: UUID
    workflow: str
    status: str
    duration_ms: int
    conversation_id: UUID | None = None


@event("router.decided")
class RouteDecided(Event):
    decision_id: UUID
    tier: str
    intent: str
    confidence: float
    run_id: UUID | None = None


@event("completion.generated")
class CompletionGenerated(Event):
    run_id: UUID
    step_id: str
    provider: str
    model: str
    tier: str
    tokens_in: int
    tokens_out: int
    cost_micro: int
    currency: str
