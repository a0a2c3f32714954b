"""Conversations for tests, made through the services where a service makes them."""

from __future__ import annotations

from uuid import UUID, uuid4

from conversations.attachments.parts import part_of
from conversations.models import Attachment, Conversation, Customer, Message
from conversations.services import attachment_upload, message_receive, reply_append
from conversations.types import Citation


def conversation_make(**fields: object) -> Conversation:
    """Return a new conversation with a new customer."""
    return Conversation.objects.create(customer=Customer.objects.create(), **fields)


def say(conversation_id: UUID, text: str = "Hello there", client_id: str = "") -> int:
    """Let the visitor say something; returns its seq."""
    received = message_receive(
        conversation_id=conversation_id, client_id=client_id or uuid4().hex, text=text
    )
    return received.seq


def answer(conversation_id: UUID, text: str = "Thirty days [1].") -> int:
    """Let the AI answer what stands now; returns the seq."""
    conversation = Conversation.objects.get(pk=conversation_id)
    message = reply_append(
        conversation_id=conversation_id,
        fence=conversation.fence,
        answered_seq=conversation.last_visitor_seq,
        run_id=uuid4(),
        text=text,
        citations=[citation_make()],
    )
    return message.seq


def citation_make(number: int = 1) -> Citation:
    return Citation(
        number=number,
        document_id=str(uuid4()),
        chunk_id=str(uuid4()),
        title="Returns policy",
        url="http://acme.localhost:8000/knowledge/source/1/",
        quote="You have thirty days.",
        start=10,
        end=31,
    )


PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x02\x00\x00\x00\x03\x08\x02\x00\x00\x00"
    b"\x12\x16\xf1\x4d"
)


def attachment_make(
    conversation_id: UUID,
    *,
    filename: str = "tent.png",
    content: bytes = PNG,
    message: Message | None = None,
    person_id: UUID | None = None,
) -> Attachment:
    """Return an upload of the visitor's or a person's, or a file of the message."""
    made = attachment_upload(
        conversation_id=conversation_id, filename=filename, content=content, person_id=person_id
    )
    if message is not None:
        made.message = message
        made.save(update_fields=["message"])
        message.attachments = [*message.attachments, part_of(made)]
        message.save(update_fields=["attachments"])
    return made
