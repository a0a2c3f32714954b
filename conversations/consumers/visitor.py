"""`/ws/chat/` and the ways in its place: one visitor, one conversation."""

from __future__ import annotations

import time
from uuid import UUID

import structlog
from django.db import transaction

from conversations import announce, frames, selectors, services
from conversations.consumers.following import ConversationConnection, Snapshot
from conversations.errors import ConversationNotFound, OriginRefused, VisitorTokenInvalid
from conversations.models import Customer
from conversations.origins import origin_is_own
from conversations.types import PROTOCOL, Author, Position, ReceivedMessage
from core.realtime.closing import Close
from core.realtime.errors import HelloRequired, Refused
from core.realtime.threads import in_thread
from tenants.admission.admit import admit
from tenants.admission.concurrency import Place
from tenants.admission.current import limits_current

TYPING_SECONDS = 1.0


def origin_check(origin: str) -> None:
    """Raise OriginRefused for a page that may not show the widget; its own hosts cost no query."""
    if origin and not origin_is_own(origin) and origin not in selectors.widget_origins():
        raise OriginRefused()


class VisitorConnection(ConversationConnection):
    """A visitor's connection, proved by the visitor token."""

    kind = "visitor"
    protocol = PROTOCOL
    frame_set = frames.VISITOR_FRAMES

    customer: Customer
    _conversation_id: UUID | None = None
    _typed_at = 0.0
    acknowledged = 0

    async def authenticate(self) -> None:
        self.customer = await in_thread(self._customer)

    def _customer(self) -> Customer:
        try:
            origin_check(self.handshake.origin)
            return services.visitor_authenticate(visitor_token=self.handshake.token)
        except OriginRefused as error:
            raise Refused(Close.FORBIDDEN, error) from None
        except VisitorTokenInvalid as error:
            raise Refused(Close.UNAUTHENTICATED, error, is_visible=True) from None

    def places(self) -> list[Place]:
        own = limits_current().concurrent_sockets_per_visitor
        return [Place("visitor_sockets", own, str(self.customer.pk)), *super().places()]

    @property
    def conversation_id(self) -> UUID:
        """Return the conversation this connection follows; raises HelloRequired before `hello`."""
        if self._conversation_id is None:
            raise HelloRequired()
        return self._conversation_id

    async def on_hello(self, frame: frames.VisitorHello) -> None:
        """Follow a conversation; an empty epoch names it without a position to go on from."""
        resume = frame.resume
        wanted = await in_thread(self._conversation, resume.conversation if resume else None)
        if self._conversation_id not in {None, wanted}:
            await self.leave(announce.conversation_group(self.conversation_id))
        self._conversation_id = wanted
        structlog.contextvars.bind_contextvars(conversation=str(wanted))
        position = Position(resume.epoch, resume.seq) if resume and resume.epoch else None
        await self.conversation_follow(wanted, position, frames.VisitorWelcome)

    def _conversation(self, conversation_id: UUID | None) -> UUID:
        """Return the conversation to follow, by name or the latest; raises ConversationNotFound."""
        if conversation_id is None:
            latest = selectors.conversation_latest(customer=self.customer, channel="web")
            return (latest or services.visitor_conversation(customer=self.customer)).pk
        conversation = selectors.conversation_get(conversation_id=conversation_id)
        if conversation.customer_id != self.customer.pk:
            raise ConversationNotFound()
        return conversation.pk

    async def on_message(self, frame: frames.VisitorMessage) -> None:
        await in_thread(self._message_receive, self.conversation_id, frame)

    def _message_receive(self, conversation_id: UUID, frame: frames.VisitorMessage) -> None:
        """Store the message; `accepted` leaves at the commit, before any subscriber's turn.

        It counts as a chat call by REST does, in the same buckets.
        """
        admit(purpose="chat", subject=str(self.customer.pk)).enforce()
        received: list[ReceivedMessage] = []
        with transaction.atomic():
            transaction.on_commit(lambda: self._accepted(frame.client_id, received[0]))
            received.append(
                services.message_receive(
                    conversation_id=conversation_id,
                    client_id=frame.client_id,
                    text=frame.text,
                    attachments=frame.attachments,
                )
            )

    def _accepted(self, client_id: str, received: ReceivedMessage) -> None:
        accepted = frames.Accepted(
            conversation=str(received.conversation_id),
            client_id=client_id,
            seq=received.seq,
            id=str(received.message_id),
        )
        self.loop.call_soon_threadsafe(self.send, accepted.wire())

    async def on_typing(self, frame: frames.VisitorTyping) -> None:
        conversation_id = self.conversation_id
        now = time.monotonic()
        if now - self._typed_at >= TYPING_SECONDS:
            self._typed_at = now
            await in_thread(
                announce.typing_announce,
                conversation_id=conversation_id,
                author=Author.VISITOR.value,
                name="",
                skip=self.id,
            )

    async def on_read(self, frame: frames.VisitorRead) -> None:
        await in_thread(
            services.conversation_read,
            conversation_id=self.conversation_id,
            seq=frame.seq,
            by=Author.VISITOR,
        )

    async def on_ack(self, frame: frames.VisitorAck) -> None:
        self.acknowledged = max(self.acknowledged, frame.seq)

    async def on_ping(self, frame: frames.Ping) -> None:
        if self._conversation_id is None:
            self.send(frames.Pong().wire())
            return
        self._pong(await self.position_check(self.conversation_id))

    async def beat(self) -> None:
        if self._conversation_id is None:
            return
        snapshot = await self.position_check(self.conversation_id)
        if snapshot.is_queued:
            self.send(snapshot.status)
        self._pong(snapshot)

    async def missed(self) -> None:
        """Say the state again: a `status` has no seq that would show its loss."""
        if self._conversation_id is not None:
            snapshot = await self.position_check(self._conversation_id)
            self.send(snapshot.status)

    def _pong(self, snapshot: Snapshot) -> None:
        position = snapshot.position
        pong = frames.Pong(
            conversation=str(self.conversation_id), epoch=position.epoch, seq=position.seq
        )
        self.send(pong.wire(), is_durable=False)
