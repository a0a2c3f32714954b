"""What visitors, the AI and agents say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Least
from django.utils.translation import gettext as _

from conversations import announce, selectors
from conversations.errors import ClientIdTaken, NotAssignedToYou, StaleReply
from conversations.models import Conversation, Message
from conversations.services.attachments import attachments_take
from conversations.services.greeting import greeting_answered
from conversations.services.service_levels import targets_meet, targets_start
from conversations.services.transcript import (
    conversation_lock,
    conversation_store,
    message_append,
    person_require,
    state_set,
    system_append,
)
from conversations.texts import client_id_check, text_clean
from conversations.types import (
    Author,
    Citation,
    ConversationState,
    ReceivedMessage,
    SlaKind,
    SystemKind,
)
from core.events import catalogue, publish
from core.observability.metrics import reply_latency_seconds, tenant_label


def message_receive(
    *, conversation_id: UUID, client_id: str, text: str, attachments: Sequence[UUID] = ()
) -> ReceivedMessage:
    """Store what a visitor says and return it with its seq.

    `attachments` are ids of uploads, sent with it and instead of words where there are none.
    Idempotent by client id: the first message under it stands. A resolved conversation opens again
    for the AI. Locks the conversation. Raises ConversationNotFound, MessageEmpty, MessageTooLong,
    ClientIdInvalid, ClientIdTaken, AttachmentNotFound, AttachmentTaken, TooManyAttachments.
    Publishes MessageReceived.
    """
    cleaned = text_clean(text, may_be_empty=bool(attachments))
    client_id = client_id_check(client_id)
    with transaction.atomic():
        conversation = conversation_lock(conversation_id)
        known = _message_known(conversation, client_id, Author.VISITOR)
        if known is not None:
            return ReceivedMessage(known.pk, known.seq, True, conversation_id)
        sent = attachments_take(conversation, attachments)
        is_reopened = conversation.state == ConversationState.RESOLVED
        if is_reopened:
            _reopen(conversation)
        message = message_append(
            conversation,
            author=Author.VISITOR,
            text=cleaned,
            client_id=client_id,
            attachments=sent,
        )
        conversation.last_visitor_seq = conversation.visitor_read_seq = message.seq
        conversation.snoozed_until = None  # who writes again is not put off
        conversation_store(conversation, has_new_state=is_reopened)
        if conversation.state == ConversationState.ASSIGNED and _was_answered(conversation):
            targets_start(conversation, SlaKind.NEXT_RESPONSE)
        _received_publish(message)
        if message.seq == 1:
            greeting_answered(customer_id=conversation.customer_id)
    return ReceivedMessage(message.pk, message.seq, False, conversation_id)


def _was_answered(conversation: Conversation) -> bool:
    """Return whether a person has answered; until then it is the first answer that is due."""
    first = selectors.sla_target_list(conversation_id=conversation.pk)
    return not first.filter(kind=SlaKind.FIRST_RESPONSE, ended_at=None).exists()


def _message_known(conversation: Conversation, client_id: str, author: Author) -> Message | None:
    """Return the message under a client id; raises ClientIdTaken if it is another author's."""
    known = Message.objects.filter(conversation=conversation, client_id=client_id).first()
    if known is not None and known.author != author:
        raise ClientIdTaken()
    return known


def _reopen(conversation: Conversation) -> None:
    state_set(conversation, ConversationState.AI)
    conversation.answered_seq = conversation.last_visitor_seq
    system_append(conversation, SystemKind.REOPENED, _("The conversation is open again."))


def _received_publish(message: Message) -> None:
    publish(
        catalogue.MessageReceived(
            conversation_id=message.conversation_id,
            message_id=message.pk,
            seq=message.seq,
            characters=len(message.text),
        )
    )


def reply_append(
    *,
    conversation_id: UUID,
    fence: int,
    answered_seq: int,
    run_id: UUID,
    text: str,
    citations: Sequence[Citation],
    route: Mapping[str, Any] | None = None,
    abstained: bool = False,
    part: str = "",
) -> Message:
    """Append the AI's reply if the conversation is still where the run read it.

    A compare-and-set under the row's lock: the state must be `ai`, the fence unmoved, and no
    visitor message newer than `answered_seq`; otherwise StaleReply, and nothing is stored.
    Idempotent by run id and `part`, which tells a run's messages apart. `route` is what the REST
    answer shows of the routing decision; `abstained` marks an answer that says the documents do not
    tell. Publishes ReplyAppended.
    """
    cleaned = text_clean(text)
    with transaction.atomic():
        conversation = conversation_lock(conversation_id)
        known = Message.objects.filter(run_id=run_id, run_part=part, author=Author.AI).first()
        if known is not None:
            return known
        _fence_check(conversation, fence, answered_seq)
        asked_at = conversation.last_message_at
        message = message_append(
            conversation,
            author=Author.AI,
            text=cleaned,
            run_id=run_id,
            run_part=part,
            citations=[citation.as_json() for citation in citations],
            route=dict(route) if route is not None else None,
            is_abstained=abstained,
        )
        conversation.answered_seq = answered_seq
        conversation_store(conversation)
        _reply_publish(message, run_id)
    if asked_at is not None:
        waited = (message.created_at - asked_at).total_seconds()
        reply_latency_seconds.labels(tenant=tenant_label()).observe(waited)
    return message


def _fence_check(conversation: Conversation, fence: int, answered_seq: int) -> None:
    if conversation.state != ConversationState.AI or conversation.fence != fence:
        raise StaleReply(cause="fence")
    if conversation.last_visitor_seq > answered_seq:
        raise StaleReply(cause="newer_message")


def _reply_publish(message: Message, run_id: UUID) -> None:
    publish(
        catalogue.ReplyAppended(
            conversation_id=message.conversation_id,
            message_id=message.pk,
            run_id=run_id,
            seq=message.seq,
            citations=len(message.citations),
        )
    )


def agent_reply(
    *,
    conversation_id: UUID,
    person_id: UUID,
    client_id: str,
    text: str,
    attachments: Sequence[UUID] = (),
) -> Message:
    """Append what the conversation's agent says.

    `attachments` are ids of their uploads. Idempotent by client id. Locks the conversation. Raises
    ConversationNotFound, PersonNotFound, NotAssignedToYou, MessageEmpty, MessageTooLong,
    ClientIdInvalid, ClientIdTaken, AttachmentNotFound, AttachmentTaken, TooManyAttachments.
    Publishes AgentReplied.
    """
    cleaned = text_clean(text, may_be_empty=bool(attachments))
    client_id = client_id_check(client_id)
    with transaction.atomic():
        conversation = conversation_lock(conversation_id)
        person = person_require(person_id)
        known = _message_known(conversation, client_id, Author.AGENT)
        if known is not None:
            return known
        if conversation.state != ConversationState.ASSIGNED or conversation.owner_id != person_id:
            raise NotAssignedToYou(agent=conversation.owner_name)
        message = message_append(
            conversation,
            author=Author.AGENT,
            text=cleaned,
            client_id=client_id,
            person_id=person_id,
            name=person.display_name,
            attachments=attachments_take(conversation, attachments, person_id=person_id),
        )
        conversation.answered_seq = conversation.last_visitor_seq
        conversation.agent_read_seq = message.seq
        conversation_store(conversation)
        targets_meet(conversation, SlaKind.FIRST_RESPONSE, SlaKind.NEXT_RESPONSE)
        publish(
            catalogue.AgentReplied(
                conversation_id=conversation_id, message_id=message.pk, person_id=person_id
            )
        )
    return message


def conversation_read(*, conversation_id: UUID, seq: int, by: Author) -> None:
    """Note that the visitor or the team has seen everything up to `seq`; never moves back."""
    column = "visitor_read_seq" if by is Author.VISITOR else "agent_read_seq"
    mine = Conversation.objects.filter(pk=conversation_id, **{f"{column}__lt": seq})
    moved = mine.update(**{column: Greatest(F(column), Least(F("next_seq") - 1, seq))})
    if moved and by is Author.AGENT:
        announce.inbox_announce(selectors.conversation_get(conversation_id=conversation_id))
