"""The frames of both sockets as strict models; docs/asyncapi.yaml is generated from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from conversations.types import PROTOCOL
from core.realtime.frames import Frame, FrameSet

CLIENT_ID = r"^[A-Za-z0-9._:-]{1,64}$"
ClientId = Annotated[str, StringConstraints(pattern=CLIENT_ID)]
Seq = Annotated[int, Field(ge=0, le=2**31 - 1)]
# Uploads to send; how many there may be is said under a code of its own.
AttachmentIds = Annotated[list[UUID], Field(max_length=50)]
State = Literal["ai", "queued", "assigned", "resolved"]


class CitationPart(Frame):
    number: int
    document_id: str
    chunk_id: str
    title: str
    url: str
    quote: str
    start: int
    end: int


class AttachmentPart(Frame):
    """A file of a message; `url` gives it to who may read the message, pictures have a size."""

    id: str
    name: str
    media_type: str
    size: int
    url: str
    width: int | None = None
    height: int | None = None


class PersonPart(Frame):
    id: str
    name: str


class NamePart(Frame):
    name: str


class QueuePart(Frame):
    """The place in a queue; where it is known, how long it takes and when the team is back."""

    name: str
    position: int
    wait_seconds: int | None = None
    opens_at: str | None = None


class PositionPart(Frame):
    conversation: str
    epoch: str
    seq: int


class InboxRow(Frame):
    """One row of the agents' list."""

    id: str
    state: State
    queue: str
    owner: PersonPart | None
    customer: PersonPart
    channel: str
    reason: str
    preview: str
    preview_author: str
    seq: int
    unread: int
    created_at: str
    last_message_at: str | None
    queued_at: str | None


# --- what clients send


class ResumePart(Frame):
    """The position a visitor's client has reached."""

    conversation: UUID
    epoch: Annotated[str, StringConstraints(max_length=16)]
    seq: Seq


class CursorPart(Frame):
    """The position an agent's client has reached in the conversation it opens."""

    epoch: Annotated[str, StringConstraints(max_length=16)]
    seq: Seq


class VisitorHello(Frame):
    type: Literal["hello"] = "hello"
    resume: ResumePart | None = None


class VisitorMessage(Frame):
    type: Literal["message"] = "message"
    client_id: ClientId
    text: str
    attachments: AttachmentIds = []


class VisitorTyping(Frame):
    type: Literal["typing"] = "typing"


class VisitorRead(Frame):
    type: Literal["read"] = "read"
    seq: Seq


class VisitorAck(Frame):
    type: Literal["ack"] = "ack"
    seq: Seq


class Ping(Frame):
    type: Literal["ping"] = "ping"


class AgentHello(Frame):
    type: Literal["hello"] = "hello"


class AgentOpen(Frame):
    type: Literal["open"] = "open"
    conversation: UUID
    resume: CursorPart | None = None


class AgentClose(Frame):
    type: Literal["close"] = "close"
    conversation: UUID


class AgentMessage(Frame):
    type: Literal["message"] = "message"
    client_id: ClientId
    conversation: UUID
    text: str
    attachments: AttachmentIds = []


class AgentTyping(Frame):
    type: Literal["typing"] = "typing"
    conversation: UUID


class AgentRead(Frame):
    type: Literal["read"] = "read"
    conversation: UUID
    seq: Seq


class AgentAck(Frame):
    type: Literal["ack"] = "ack"
    conversation: UUID
    seq: Seq


class AgentViewing(Frame):
    """Tell the team once more who looks at an open conversation: somebody has just come to it."""

    type: Literal["viewing"] = "viewing"
    conversation: UUID


VISITOR_FRAMES: FrameSet[Frame] = FrameSet(
    VisitorHello, VisitorMessage, VisitorTyping, VisitorRead, VisitorAck, Ping
)
# Beside an event stream or a poll, which say the hello.
VISITOR_SAYS: FrameSet[Frame] = FrameSet(
    VisitorMessage, VisitorTyping, VisitorRead, VisitorAck, Ping
)
AGENT_FRAMES: FrameSet[Frame] = FrameSet(
    AgentHello,
    AgentOpen,
    AgentClose,
    AgentMessage,
    AgentTyping,
    AgentRead,
    AgentAck,
    AgentViewing,
    Ping,
)


# --- what the server sends


class VisitorWelcome(Frame):
    type: Literal["welcome"] = "welcome"
    protocol: str = PROTOCOL
    conversation: str
    epoch: str
    seq: int
    first: int
    resumed: bool


class AgentWelcome(Frame):
    type: Literal["welcome"] = "welcome"
    protocol: str = PROTOCOL
    person: PersonPart


class Opened(Frame):
    type: Literal["opened"] = "opened"
    conversation: str
    epoch: str
    seq: int
    first: int
    resumed: bool


class MessageFrame(Frame):
    type: Literal["message"] = "message"
    conversation: str
    seq: int
    id: str
    author: Literal["visitor", "ai", "agent", "system"]
    name: str
    text: str
    at: str
    citations: list[CitationPart]
    attachments: list[AttachmentPart]
    client_id: str | None = None
    run: str | None = None
    abstained: bool | None = None
    kind: str | None = None


class Accepted(Frame):
    type: Literal["accepted"] = "accepted"
    conversation: str
    client_id: str
    seq: int
    id: str


class StatusFrame(Frame):
    type: Literal["status"] = "status"
    conversation: str
    state: State
    queue: QueuePart | None = None
    agent: NamePart | None = None


class TypingFrame(Frame):
    type: Literal["typing"] = "typing"
    conversation: str
    author: Literal["visitor", "ai", "agent"]
    name: str


class Delta(Frame):
    type: Literal["delta"] = "delta"
    conversation: str
    run: str
    seq_hint: int
    text: str


class Gap(Frame):
    type: Literal["gap"] = "gap"
    conversation: str
    first: int = Field(alias="from")
    last: int = Field(alias="to")


class Pong(Frame):
    """The position in the database; before `hello` there is none to tell."""

    type: Literal["pong"] = "pong"
    conversation: str | None = None
    epoch: str | None = None
    seq: int | None = None


class AgentPong(Frame):
    type: Literal["pong"] = "pong"
    positions: list[PositionPart]


class InboxFrame(Frame):
    type: Literal["inbox"] = "inbox"
    conversation: InboxRow

    def wire(self) -> dict[str, Any]:
        """Return the row with its empty fields: here None says "nobody", not "does not apply"."""
        return self.model_dump(mode="json")


class Changed(Frame):
    """Notes, labels, priority or snoozing of a conversation changed: read it again."""

    type: Literal["changed"] = "changed"
    conversation: str


class AgentsChanged(Frame):
    """Somebody of the team came, went, or changed how they work: read the team again."""

    type: Literal["agents"] = "agents"


class Viewing(Frame):
    """Somebody of the team looks at a conversation, or no longer does; repeated while they do."""

    type: Literal["viewing"] = "viewing"
    conversation: str
    person: PersonPart
    is_here: bool


class Refresh(Frame):
    type: Literal["refresh"] = "refresh"


class ErrorFrame(Frame):
    """Errors may carry further fields of their own, such as `field` or `retry_after`."""

    model_config = ConfigDict(extra="allow")

    type: Literal["error"] = "error"
    code: str
    detail: str
    retryable: bool
    client_id: str | None = None
    conversation: str | None = None


VISITOR_HEARS: tuple[type[Frame], ...] = (
    VisitorWelcome, MessageFrame, Accepted, StatusFrame, TypingFrame, Delta, Gap, ErrorFrame, Pong,
)  # fmt: skip
VISITOR_IS_ANSWERED: tuple[type[Frame], ...] = (Accepted, ErrorFrame, Pong)
AGENT_HEARS: tuple[type[Frame], ...] = (
    AgentWelcome, Opened, MessageFrame, Accepted, StatusFrame, TypingFrame, Delta, Gap, ErrorFrame,
    AgentPong, InboxFrame, Changed, AgentsChanged, Viewing, Refresh,
)  # fmt: skip
