"""Conversations for tests, made through the services where a service makes them."""

from __future__ import annotations

from uuid import UUID, uuid4

from conversations.models import Conversation, Customer
from conversations.services import message_receive, reply_append
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
