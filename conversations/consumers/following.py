"""Follow a conversation from a position: what visitors' and agents' connections do alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from redis import RedisError

from conversations import announce, frames, selectors
from conversations.types import RESUME_LIMIT, ConversationState, Position
from core.realtime.closing import Close
from core.realtime.connection import Connection
from core.realtime.errors import Refused
from core.realtime.feed import Feed, Stored
from core.realtime.threads import in_thread
from core.realtime.wire import frame_text
from tenants.admission.admit import Admission, Work, admit
from tenants.admission.concurrency import Place, places_release, places_renew
from tenants.admission.current import limits_current

PAGE = 100
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A conversation's position and `status` frame, read together."""

    position: Position
    status: dict[str, Any]
    is_queued: bool


@dataclass(frozen=True, slots=True)
class Start:
    """From which seq a client is served; `gap` when its position cannot be resumed."""

    first: int
    is_resumed: bool
    gap: tuple[int, int] | None = None


def start_of(position: Position, resume: Position | None) -> Start:
    """Return where to start: all or nothing after a resume, the latest messages without one."""
    if resume is None:
        return Start(first=max(1, position.seq - RESUME_LIMIT + 1), is_resumed=False)
    is_known = resume.epoch == position.epoch and resume.seq <= position.seq
    if is_known and position.seq - resume.seq <= RESUME_LIMIT:
        return Start(first=resume.seq + 1, is_resumed=True)
    missing_from = resume.seq + 1 if is_known else 1
    return Start(first=position.seq + 1, is_resumed=False, gap=(missing_from, position.seq))


def snapshot_get(conversation_id: UUID) -> Snapshot:
    """Read where a conversation stands; raises ConversationNotFound."""
    conversation = selectors.conversation_get(conversation_id=conversation_id)
    return Snapshot(
        position=conversation.position,
        status=announce.status_frame(conversation),
        is_queued=conversation.state == ConversationState.QUEUED,
    )


def _stored_after(conversation_id: UUID, after: int) -> list[Stored]:
    found = selectors.message_list(conversation_id=conversation_id, after=after, limit=PAGE)
    return [Stored(message.seq, frame_text(announce.message_frame(message))) for message in found]


class ConversationConnection(Connection):
    """A connection that follows conversations, and has a place among those of its workspace."""

    def places(self) -> list[Place]:
        """Return the places that this connection takes."""
        return [Place("sockets", limits_current().concurrent_sockets)]

    async def admit(self) -> None:
        """Take a place. Without Redis nobody counts, and visitors are let in all the same."""
        refusal = (await in_thread(self._admit)).refusal
        if refusal is not None:
            raise Refused(Close.TOO_MANY, refusal, is_visible=True)

    def _admit(self) -> Admission:
        return admit(purpose="socket", work=Work(places=self.places(), holder=self.id))

    async def renew(self) -> None:
        try:
            await in_thread(self._renew)
        except RedisError as error:
            log.warning("socket_uncounted", error=type(error).__name__)

    def _renew(self) -> None:
        places_renew(places=self.places(), holder=self.id)

    async def part(self) -> None:
        await in_thread(self._release)

    def _release(self) -> None:
        places_release(places=self.places(), holder=self.id)

    async def conversation_follow(
        self,
        conversation_id: UUID,
        resume: Position | None,
        greeting: type[frames.VisitorWelcome] | type[frames.Opened],
    ) -> None:
        """Greet with the position, tell the state, then send messages from the start on.

        The group is followed before the position is read: what is said in between arrives twice at
        the feed, which sends it once.
        """
        group = announce.conversation_group(conversation_id)
        if group in self.feeds:
            await self.leave(group)
        feed = self._feed(conversation_id)
        await self.follow(group, feed)
        snapshot = await in_thread(snapshot_get, conversation_id)
        start = start_of(snapshot.position, resume)
        self.send(
            greeting(
                conversation=str(conversation_id),
                epoch=snapshot.position.epoch,
                seq=snapshot.position.seq,
                first=start.first,
                resumed=start.is_resumed,
            ).wire()
        )
        self.send(snapshot.status)
        if start.gap is not None:
            self.send(_gap(conversation_id, start.gap))
        feed.start(start.first - 1, last=snapshot.position.seq)

    def _feed(self, conversation_id: UUID) -> Feed:
        async def fetch(after: int) -> Sequence[Stored]:
            return await in_thread(_stored_after, conversation_id, after)

        return Feed(queue=self.queue, fetch=fetch, on_slow=partial(self.stop, Close.SLOW_CONSUMER))

    async def position_check(self, conversation_id: UUID) -> Snapshot:
        """Compare what was sent with the database, and send what is missing."""
        snapshot = await in_thread(snapshot_get, conversation_id)
        feed = self.feeds.get(announce.conversation_group(conversation_id))
        if feed is not None and snapshot.position.seq > feed.position:
            feed.catch_up()
        return snapshot


def _gap(conversation_id: UUID, missing: tuple[int, int]) -> dict[str, Any]:
    first, last = missing
    return {"type": "gap", "conversation": str(conversation_id), "from": first, "to": last}
