"""States, authors and small values of conversations; no Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

PROTOCOL = "frontdesk.v1"
TEXT_LIMIT = 8_000
COMMENT_LIMIT = 1_000
RESUME_LIMIT = 300
ATTACHMENTS_LIMIT = 5
ATTACHMENT_BYTES = 10 * 1024 * 1024
DEFAULT_QUEUE = "general"
LABEL_LENGTH = 40
LABELS_LIMIT = 20
SKILLS_LIMIT = 20
SHORTCUT_LENGTH = 40
CAPACITY_LIMIT = 100
MINUTES_LIMIT = 100_000
QUEUE_NAME = r"^[a-z][a-z0-9_]{0,39}$"
# An agent's socket says every 25 seconds that it is open; two of them may be late.
PRESENCE = timedelta(seconds=75)
# Why a person answers where the AI would have: not for what was asked, but because it may not.
DEGRADED_REASONS = frozenset({"quota_exceeded", "people_only", "overloaded"})


# How long a conversation can be put off with one choice.
SNOOZES = {
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
}


class ConversationState(StrEnum):
    """Who owes the next answer: the AI, a queue, an agent, nobody."""

    AI = "ai"
    QUEUED = "queued"
    ASSIGNED = "assigned"
    RESOLVED = "resolved"


class Priority(IntEnum):
    """How urgent the team finds a conversation."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    URGENT = 4

    @property
    def key(self) -> str:
        """Return the name that REST and forms use."""
        return self.name.lower()


class NotificationKind(StrEnum):
    """How somebody is told that a visitor waits."""

    EMAIL = "email"
    SLACK = "slack"


class SlaKind(StrEnum):
    """What a person shall have done by then."""

    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    RESOLUTION = "resolution"


class Author(StrEnum):
    VISITOR = "visitor"
    AI = "ai"
    AGENT = "agent"
    SYSTEM = "system"


class SystemKind(StrEnum):
    """What a system message tells; its text says the same in words."""

    QUEUED = "queued"
    JOINED = "joined"
    HANDED_BACK = "handed_back"
    RESOLVED = "resolved"
    REOPENED = "reopened"


@dataclass(frozen=True, slots=True)
class Citation:
    """A sentence of a document under an answer; `url` opens it on the tenant's host."""

    number: int
    document_id: str
    chunk_id: str
    title: str
    url: str
    quote: str
    start: int
    end: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class HistoryItem:
    author: Author
    text: str


@dataclass(frozen=True, slots=True)
class TurnContext:
    """What a run reads of a conversation; `fence` and `last_visitor_seq` guard its reply.

    `text` is everything the visitor said that nobody has answered yet, `history` what came before;
    `last_text` is the visitor's last message, `said_at` when it and the one before it came.
    """

    conversation_id: UUID
    fence: int
    state: ConversationState
    last_visitor_seq: int
    text: str
    history: tuple[HistoryItem, ...]
    channel: str
    last_text: str = ""
    said_at: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A visitor's message in the database; `duplicate` when the client id was known."""

    message_id: UUID
    seq: int
    duplicate: bool
    conversation_id: UUID


@dataclass(frozen=True, slots=True)
class Position:
    """How far a conversation has come."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class QueueOutlook:
    """What somebody who waits for a person may expect; None where there is nothing to go by."""

    position: int
    wait_seconds: int | None
    opens_at: datetime | None


@dataclass(frozen=True, slots=True)
class AgentLine:
    """One of the team as an agent; `load` is how many conversations they have."""

    person_id: UUID
    name: str
    is_available: bool
    is_present: bool
    load: int
    capacity: int
    has_own_capacity: bool
    skills: tuple[str, ...]
    seen_at: datetime | None

    @property
    def is_reachable(self) -> bool:
        """Return whether conversations come to them now."""
        return self.is_available and self.is_present


@dataclass(frozen=True, slots=True)
class VisitorSession:
    """A visitor who may talk: the token to come back with, and the conversation to talk in."""

    visitor_token: str
    customer_id: UUID
    conversation_id: UUID
    is_identified: bool = False


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """The REST answer to one visitor's message; `reply` is None while nobody has answered.

    `degraded` says why a person answers instead of the AI, where that is why.
    """

    conversation_id: UUID
    message_id: UUID
    status: str
    reply: Mapping[str, Any] | None = None
    route: Mapping[str, Any] | None = None
    run_id: UUID | None = None
    degraded: str = ""


@dataclass(frozen=True, slots=True)
class WidgetLook:
    """How the widget presents itself."""

    title: str
    greeting: str
    accent: str
    suggestions: tuple[str, ...] = field(default=())
