"""`/ws/inbox/`: an agent's list and the conversations they have open."""

from __future__ import annotations

import time
from uuid import UUID

from django.conf import settings

from conversations import announce, frames, selectors, services
from conversations.consumers.following import ConversationConnection
from conversations.consumers.members import (
    Member,
    member_by_key,
    member_by_session,
    member_by_token,
)
from conversations.errors import ConversationNotOpen, OriginRefused, PersonRequired, TooManyOpen
from conversations.models import Message
from conversations.origins import origin_is_own
from conversations.types import PROTOCOL, Author, Position
from core.errors import Unauthenticated
from core.realtime.closing import Close
from core.realtime.errors import HelloRequired, Refused
from core.realtime.threads import in_thread
from core.realtime.wire import Packet
from tenants.accounts.sessions import person_group
from tenants.errors import ScopeMissing
from tenants.tokens.access import token_is_jwt

OPEN_LIMIT = 20
TYPING_SECONDS = 1.0
READ, WRITE = "conversations:read", "conversations:write"


class AgentConnection(ConversationConnection):
    """A member's connection by session cookie or access token, or a machine's by API key."""

    kind = "agent"
    required_scope = READ
    protocol = PROTOCOL
    frame_set = frames.AGENT_FRAMES

    member: Member
    _is_greeted = False
    _own_group = ""
    _typed_at = 0.0
    _viewed_at = 0.0

    async def authenticate(self) -> None:
        self._open: dict[UUID, int] = {}
        self.member = await in_thread(self._member)

    def _member(self) -> Member:
        """Return who connects; a browser's page must be the workspace's own."""
        handshake = self.handshake
        if handshake.origin and not origin_is_own(handshake.origin):
            raise Refused(Close.FORBIDDEN, OriginRefused())
        if handshake.token:
            by = member_by_token if token_is_jwt(handshake.token) else member_by_key
            member = by(handshake.token)
        else:
            member = member_by_session(handshake.cookie(settings.SESSION_COOKIE_NAME))
        if member is None:
            raise Refused(Close.UNAUTHENTICATED, Unauthenticated(), is_visible=True)
        if self.required_scope not in member.scopes:
            raise Refused(
                Close.UNAUTHENTICATED, ScopeMissing(scope=self.required_scope), is_visible=True
            )
        return member

    def deliver(self, group: str, packet: Packet) -> None:
        """Take a broadcast; one to the person alone says to check the credentials now."""
        if group == self._own_group:
            self.loop.call_soon(self._credentials_recheck, context=self._context)
        else:
            super().deliver(group, packet)

    def _credentials_recheck(self) -> None:
        self._task(self._guarded(self.beat))

    async def on_hello(self, frame: frames.AgentHello) -> None:
        await self.follow(announce.inbox_group())
        if self.member.is_person:
            self._own_group = person_group(self.member.id)
            await self.follow(self._own_group)
        self._is_greeted = True
        person = frames.PersonPart(id=str(self.member.id), name=self.member.name)
        self.send(frames.AgentWelcome(person=person).wire())
        await self._present()

    async def _present(self) -> None:
        """Say that a person who may answer is here; what waits may come to who has just come."""
        if self.member.is_person and WRITE in self.member.scopes:
            await in_thread(self._seen)

    def _seen(self) -> None:
        if services.agent_seen(person_id=self.member.id):
            services.queue_assign()

    async def part(self) -> None:
        """Give the place back; others see at once that nobody looks here any more."""
        await super().part()
        if self._is_greeted and self.member.is_person:
            await in_thread(services.agent_left, person_id=self.member.id)
        for conversation_id in tuple(self._open):
            await self._viewing(conversation_id, is_here=False)

    async def _viewing(self, conversation_id: UUID, *, is_here: bool = True) -> None:
        if self.member.is_person:
            await in_thread(
                announce.viewing_announce,
                conversation_id=conversation_id,
                person_id=self.member.id,
                name=self.member.name,
                is_here=is_here,
            )

    async def on_open(self, frame: frames.AgentOpen) -> None:
        self._greeted_check()
        if frame.conversation not in self._open and len(self._open) >= OPEN_LIMIT:
            raise TooManyOpen(limit=OPEN_LIMIT)
        await in_thread(selectors.conversation_get, conversation_id=frame.conversation)
        self._open.setdefault(frame.conversation, 0)
        resume = frame.resume
        position = Position(resume.epoch, resume.seq) if resume else None
        await self.conversation_follow(frame.conversation, position, frames.Opened)
        await self._viewing(frame.conversation)

    async def on_viewing(self, frame: frames.AgentViewing) -> None:
        self._open_check(frame.conversation)
        now = time.monotonic()
        if now - self._viewed_at >= TYPING_SECONDS:
            self._viewed_at = now
            await self._viewing(frame.conversation)

    async def on_close(self, frame: frames.AgentClose) -> None:
        self._open_check(frame.conversation)
        del self._open[frame.conversation]
        await self.leave(announce.conversation_group(frame.conversation))
        await self._viewing(frame.conversation, is_here=False)

    async def on_message(self, frame: frames.AgentMessage) -> None:
        self._greeted_check()
        message = await in_thread(self._reply, frame)
        accepted = frames.Accepted(
            conversation=str(frame.conversation),
            client_id=frame.client_id,
            seq=message.seq,
            id=str(message.pk),
        )
        self.send(accepted.wire())

    def _reply(self, frame: frames.AgentMessage) -> Message:
        self._write_check()
        if not self.member.is_person:
            raise PersonRequired()
        return services.agent_reply(
            conversation_id=frame.conversation,
            person_id=self.member.id,
            client_id=frame.client_id,
            text=frame.text,
            attachments=frame.attachments,
        )

    async def on_typing(self, frame: frames.AgentTyping) -> None:
        self._open_check(frame.conversation)
        self._write_check()
        now = time.monotonic()
        if now - self._typed_at < TYPING_SECONDS:
            return
        self._typed_at = now
        await in_thread(
            announce.typing_announce,
            conversation_id=frame.conversation,
            author=Author.AGENT.value,
            name=self.member.name,
            skip=self.id,
        )

    async def on_read(self, frame: frames.AgentRead) -> None:
        self._open_check(frame.conversation)
        await in_thread(
            services.conversation_read,
            conversation_id=frame.conversation,
            seq=frame.seq,
            by=Author.AGENT,
        )

    async def on_ack(self, frame: frames.AgentAck) -> None:
        self._open_check(frame.conversation)
        self._open[frame.conversation] = max(self._open[frame.conversation], frame.seq)

    async def on_ping(self, frame: frames.Ping) -> None:
        await self._pong()

    async def beat(self) -> None:
        """Check the positions, and that the member may still be here."""
        try:
            self.member = await in_thread(self._member)
        except Refused as refused:
            self.stop(Close(refused.code))
            return
        await self._present()
        for conversation_id in tuple(self._open):
            await self._viewing(conversation_id)
        await self._pong()

    async def _pong(self) -> None:
        positions = []
        for conversation_id in tuple(self._open):
            position = (await self.position_check(conversation_id)).position
            positions.append(
                frames.PositionPart(
                    conversation=str(conversation_id), epoch=position.epoch, seq=position.seq
                )
            )
        self.send(frames.AgentPong(positions=positions).wire(), is_durable=False)

    async def missed(self) -> None:
        self.send(frames.Refresh().wire())

    def _greeted_check(self) -> None:
        if not self._is_greeted:
            raise HelloRequired()

    def _open_check(self, conversation_id: UUID) -> None:
        self._greeted_check()
        if conversation_id not in self._open:
            raise ConversationNotOpen()

    def _write_check(self) -> None:
        if WRITE not in self.member.scopes:
            raise ScopeMissing(scope=WRITE)
