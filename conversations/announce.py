"""Say on the sockets what has been committed: frames built from rows, sent on commit."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from conversations import frames, selectors
from conversations.attachments.parts import parts_shown
from conversations.models import Conversation, Message
from conversations.types import ConversationState
from core.realtime import broadcast, group_name
from core.realtime.wire import NOBODY

CONVERSATION = "conversation"
INBOX = "inbox"


def conversation_group(conversation_id: UUID) -> str:
    """Return the group that a conversation's visitor and agents follow."""
    return group_name(CONVERSATION, conversation_id)


def inbox_group() -> str:
    """Return the group that every agent's list follows."""
    return group_name(INBOX)


def message_frame(message: Message) -> dict[str, Any]:
    """Return a message as both sockets show it."""
    frame = frames.MessageFrame.model_construct(
        conversation=str(message.conversation_id),
        seq=message.seq,
        id=str(message.pk),
        author=message.author,  # type: ignore[arg-type]  # a database value, checked on the way in
        name=message.name,
        text=message.text,
        at=message.created_at.isoformat(),
        citations=[frames.CitationPart.model_construct(**part) for part in message.citations],
        attachments=[
            frames.AttachmentPart.model_construct(**part)
            for part in parts_shown(message.attachments)
        ],
        client_id=message.client_id,
        run=str(message.run_id) if message.run_id else None,
        abstained=message.is_abstained or None,
        kind=message.kind or None,
    )
    return frame.wire()


def status_frame(conversation: Conversation) -> dict[str, Any]:
    """Return who owes the next answer, with the place in the queue while there is one."""
    is_queued = conversation.state == ConversationState.QUEUED
    is_assigned = conversation.state == ConversationState.ASSIGNED
    queue = None
    if is_queued:
        outlook = selectors.queue_outlook(conversation)
        queue = frames.QueuePart(
            name=conversation.queue,
            position=outlook.position,
            wait_seconds=outlook.wait_seconds,
            opens_at=_iso(outlook.opens_at),
        )
    return frames.StatusFrame(
        conversation=str(conversation.pk),
        state=ConversationState(conversation.state).value,
        queue=queue,
        agent=frames.NamePart(name=conversation.owner_name) if is_assigned else None,
    ).wire()


def inbox_frame(conversation: Conversation) -> dict[str, Any]:
    """Return a conversation as a row of the agents' list."""
    owner = None
    if conversation.owner_id:
        owner = frames.PersonPart(id=str(conversation.owner_id), name=conversation.owner_name)
    customer = conversation.customer
    row = frames.InboxRow(
        id=str(conversation.pk),
        state=ConversationState(conversation.state).value,
        queue=conversation.queue,
        owner=owner,
        customer=frames.PersonPart(id=str(customer.pk), name=str(customer.display_name)),
        channel=conversation.channel,
        reason=conversation.reason,
        preview=conversation.preview,
        preview_author=conversation.preview_author,
        seq=conversation.seq,
        unread=conversation.unread,
        created_at=conversation.created_at.isoformat(),
        last_message_at=_iso(conversation.last_message_at),
        queued_at=_iso(conversation.queued_at),
    )
    return frames.InboxFrame(conversation=row).wire()


def message_announce(message: Message) -> None:
    """Send the message to those who follow its conversation, once it is committed."""
    _on_commit(conversation_group(message.conversation_id), message_frame(message))


def status_announce(conversation: Conversation) -> None:
    """Send the state to those who follow the conversation, once it is committed."""
    _on_commit(conversation_group(conversation.pk), status_frame(conversation))


def inbox_announce(conversation: Conversation) -> None:
    """Send the row to every agent's list, once it is committed."""
    _on_commit(inbox_group(), inbox_frame(conversation))


def change_announce(conversation: Conversation) -> None:
    """Tell the agents that something about a conversation has changed that no visitor sees."""
    frame = frames.Changed(conversation=str(conversation.pk)).wire()
    _on_commit(inbox_group(), frame)


def agents_announce() -> None:
    """Tell the agents that somebody came, went, or changed how they work."""
    _on_commit(inbox_group(), frames.AgentsChanged().wire())


def viewing_announce(*, conversation_id: UUID, person_id: UUID, name: str, is_here: bool) -> None:
    """Tell the agents who looks at a conversation; may be dropped, and is repeated."""
    frame = frames.Viewing(
        conversation=str(conversation_id),
        person=frames.PersonPart(id=str(person_id), name=name),
        is_here=is_here,
    )
    broadcast(inbox_group(), frame.wire(), durable=False, slight=True)


def typing_announce(*, conversation_id: UUID, author: str, name: str, skip: str = NOBODY) -> None:
    """Tell the others that someone types; may be dropped."""
    frame = {"type": "typing", "conversation": str(conversation_id), "author": author, "name": name}
    broadcast(conversation_group(conversation_id), frame, durable=False, slight=True, skip=skip)


def delta_announce(*, conversation_id: UUID, run_id: UUID, seq_hint: int, text: str) -> None:
    """Show a verified part of a reply that is being written; may be dropped."""
    frame = frames.Delta(
        conversation=str(conversation_id), run=str(run_id), seq_hint=seq_hint, text=text
    )
    broadcast(conversation_group(conversation_id), frame.wire(), durable=False)


def _on_commit(group: str, frame: dict[str, Any]) -> None:
    transaction.on_commit(partial(broadcast, group, frame, durable=True))


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment else None
