"""Lock a conversation, append to it, store it: the steps every write has in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from conversations import announce
from conversations.attachments.parts import names_of, part_of
from conversations.errors import ConversationNotFound, PersonCannotAnswer, PersonNotFound
from conversations.models import Attachment, Conversation, Message
from conversations.texts import preview_of
from conversations.types import Author, ConversationState, SystemKind
from core.observability.metrics import messages_total, tenant_label
from tenants.models import Person
from tenants.selectors import membership_for, person_get
from tenants.types import ROLE_SCOPES, Role


def conversation_lock(conversation_id: UUID) -> Conversation:
    """Return the conversation, locked until the transaction ends; raises ConversationNotFound.

    All writes of a conversation pass here, so seqs are committed in order.
    """
    rows = Conversation.objects.select_for_update(of=("self",)).select_related("customer")
    found = rows.filter(pk=conversation_id).first()
    if found is None:
        raise ConversationNotFound()
    return found


def message_append(
    conversation: Conversation,
    *,
    author: Author,
    text: str,
    attachments: Sequence[Attachment] = (),
    **fields: Any,
) -> Message:
    """Add the next message to a locked conversation and announce it; the caller stores the rest.

    The attachments are uploads, locked too, that are the message's from now on.
    """
    message = Message(
        conversation=conversation,
        seq=conversation.next_seq,
        author=author.value,
        text=text,
        attachments=[part_of(attachment) for attachment in attachments],
        **fields,
    )
    message.save(force_insert=True)
    if attachments:
        sent = Attachment.objects.filter(pk__in=[attachment.pk for attachment in attachments])
        sent.update(message=message)
    conversation.next_seq += 1
    conversation.last_message_at = message.created_at
    if author is not Author.SYSTEM:
        conversation.preview = preview_of(text or names_of(message.attachments))
        conversation.preview_author = author.value
    messages_total.labels(tenant=tenant_label(), author=author.value).inc()
    announce.message_announce(message)
    return message


def system_append(
    conversation: Conversation, kind: SystemKind, text: str, *, name: str = ""
) -> Message:
    """Tell the visitor what happens, in the transcript itself; `name` is the person it is about."""
    return message_append(
        conversation, author=Author.SYSTEM, text=str(text), kind=kind.value, name=name
    )


def state_set(
    conversation: Conversation,
    state: ConversationState,
    *,
    owner: Person | None = None,
    queue: str = "",
) -> None:
    """Change who owes the next answer and raise the fence: replies under way become stale."""
    now = timezone.now()
    conversation.state = state.value
    conversation.fence += 1
    conversation.owner_id = owner.pk if owner else None
    conversation.owner_name = owner.display_name if owner else ""
    conversation.queue = queue
    conversation.queued_at = now if state is ConversationState.QUEUED else None
    conversation.assigned_at = now if state is ConversationState.ASSIGNED else None
    conversation.resolved_at = now if state is ConversationState.RESOLVED else None


def conversation_store(conversation: Conversation, *, has_new_state: bool = False) -> None:
    """Store a locked conversation and announce its row, and its state where that has changed."""
    conversation.updated_at = timezone.now()
    conversation.save(force_update=True)
    if has_new_state:
        announce.status_announce(conversation)
    announce.inbox_announce(conversation)


def person_require(person_id: UUID) -> Person:
    """Return a member of the tenant; raises PersonNotFound."""
    person = person_get(person_id)
    if person is None:
        raise PersonNotFound()
    return person


def answerer_get(person_id: UUID) -> Person | None:
    """Return the member of the tenant, if their role lets them answer."""
    membership = membership_for(person_id=person_id)
    may = membership and "conversations:write" in ROLE_SCOPES[Role(membership.role)]
    return membership.person if membership and may else None


def answerer_require(person_id: UUID) -> Person:
    """Return a member who may answer; raises PersonNotFound, PersonCannotAnswer."""
    person_require(person_id)
    person = answerer_get(person_id)
    if person is None:
        raise PersonCannotAnswer()
    return person
