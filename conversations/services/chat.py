"""Chat over REST: store what somebody says, and wait a while for the answer."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from math import ceil
from typing import Any
from uuid import UUID

import redis
from django.db import connection, transaction

from conversations import announce, selectors
from conversations.errors import ConversationNotFound, CustomerRequired
from conversations.models import Conversation, Customer
from conversations.services.messages import message_receive
from conversations.services.transcript import conversation_lock
from conversations.services.visitors import customer_ensure, visitor_conversation
from conversations.texts import text_is_storable
from conversations.types import ChatAnswer, ReceivedMessage
from core.errors import ValidationFailed
from core.redis import redis_client
from tenants.admission.concurrency import Place, places_held
from tenants.admission.current import limits_current
from tenants.errors import ConcurrencyLimit

# Half of the web process's threads: the other half always answers pages.
WAITERS = 4
LISTEN_SECONDS = 1.0
POLL_SECONDS = 0.1
CONTEXT_BYTES = 4_096
_places = threading.BoundedSemaphore(WAITERS)
PENDING = "pending"
LEASE_MARGIN = 10


def chat_message_receive(
    *,
    customer: Customer | None,
    user_id: str,
    conversation_id: UUID | None,
    client_id: str,
    text: str,
    attachments: Sequence[UUID] = (),
    context: Mapping[str, Any] | None = None,
) -> ReceivedMessage:
    """Store a message that came over REST, in the named or the current conversation.

    `customer` is the visitor whose token came with the call; without one, `user_id` is whom the
    business means. `context` is kept with the conversation. Idempotent by client id. Raises
    CustomerRequired, ConversationNotFound (also for somebody else's), ValidationFailed, and what
    `message_receive` raises.
    """
    context = _context_check(context)
    conversation = _conversation(customer, user_id, conversation_id)
    if context and conversation.context.get("client") != context:
        _context_store(conversation.pk, context)
    return message_receive(
        conversation_id=conversation.pk, client_id=client_id, text=text, attachments=attachments
    )


def _context_check(context: Mapping[str, Any] | None) -> dict[str, Any]:
    if context and len(json.dumps(context)) > CONTEXT_BYTES:
        fault = {"pointer": "/context", "code": "too_large", "detail": f"{CONTEXT_BYTES} bytes"}
        raise ValidationFailed(errors=[fault])
    if context and not all(map(text_is_storable, _texts(context))):
        fault = {"pointer": "/context", "code": "invalid", "detail": "NUL or lone surrogate"}
        raise ValidationFailed(errors=[fault])
    return dict(context or {})


def _texts(value: Any) -> Iterator[str]:
    """Give every string in a JSON value; the parser has bounded its depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield name
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def _context_store(conversation_id: UUID, context: dict[str, Any]) -> None:
    with transaction.atomic():
        conversation = conversation_lock(conversation_id)
        conversation.context = {**conversation.context, "client": context}
        conversation.save(update_fields=["context"])


def _conversation(
    customer: Customer | None, user_id: str, conversation_id: UUID | None
) -> Conversation:
    # A visitor goes on in the widget's conversation; the business's users have their own.
    channel = "web" if customer is not None else "api"
    if customer is None and user_id:
        customer = customer_ensure(external_id=user_id)
    if conversation_id is None:
        if customer is None:
            raise CustomerRequired()
        return visitor_conversation(customer=customer, channel=channel)
    conversation = selectors.conversation_get(conversation_id=conversation_id)
    if customer is not None and conversation.customer_id != customer.pk:
        raise ConversationNotFound()
    return conversation


def chat_answer_wait(*, message_id: UUID, conversation_id: UUID, seconds: float) -> ChatAnswer:
    """Return the answer to a message, waiting up to `seconds` for it outside any transaction.

    Woken by the conversation's broadcasts; the database decides. Without a free place among the
    bounded waiters of the process or the workspace, or when the time is over, the answer is
    returned as it stands: pending.
    """
    if seconds <= 0:
        return selectors.chat_answer(message_id=message_id)
    with _place(seconds) as is_free:
        until = time.monotonic() + (seconds if is_free else 0.0)
        with _listening(announce.conversation_group(conversation_id)) as listen:
            while True:
                answer = selectors.chat_answer(message_id=message_id)
                left = until - time.monotonic()
                if answer.status != PENDING or left <= 0:
                    return answer
                _connection_release()
                listen(min(left, LISTEN_SECONDS))


@contextmanager
def _place(seconds: float) -> Iterator[bool]:
    is_free = seconds > 0 and _places.acquire(blocking=False)
    try:
        with _workspace_place(seconds) if is_free else nullcontext(False) as has_place:
            yield has_place
    finally:
        if is_free:
            _places.release()


@contextmanager
def _workspace_place(seconds: float) -> Iterator[bool]:
    """Take one of the workspace's places; without Redis the process's own are enough."""
    place = Place("waits", limits_current().concurrent_waits)
    with ExitStack() as held:
        try:
            held.enter_context(places_held(place, lease_seconds=ceil(seconds) + LEASE_MARGIN))
            has_place = True
        except ConcurrencyLimit:
            has_place = False
        except redis.RedisError:
            has_place = True
        yield has_place


@contextmanager
def _listening(group: str) -> Iterator[Callable[[float], None]]:
    """Give a function that waits for the group's next packet; without Redis it just waits."""
    channel = redis_client().pubsub()  # type: ignore[no-untyped-call]  # redis-py's
    try:
        yield partial(_listen, channel) if _subscribed(channel, group) else _sleep
    finally:
        with suppress(redis.RedisError):
            channel.close()


def _subscribed(channel: redis.client.PubSub, group: str) -> bool:
    """Subscribe and wait for the confirmation, so that no later packet is missed."""
    try:
        channel.subscribe(group)
        return channel.get_message(timeout=LISTEN_SECONDS) is not None
    except redis.RedisError:
        return False


def _sleep(seconds: float) -> None:
    time.sleep(min(seconds, POLL_SECONDS))


def _listen(channel: redis.client.PubSub, seconds: float) -> None:
    """Wait for a durable packet."""
    until = time.monotonic() + seconds
    try:
        while (left := until - time.monotonic()) > 0:
            packet = channel.get_message(timeout=left)
            if packet and packet["type"] == "message" and packet["data"].startswith(b"D"):
                return
    except redis.RedisError:
        _sleep(seconds)


def _connection_release() -> None:
    """Give the database connection back while waiting; inside a test's transaction it stays."""
    if not connection.in_atomic_block:
        connection.close()
