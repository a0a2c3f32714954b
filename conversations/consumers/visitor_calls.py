"""A visitor who connects by HTTP calls: what a socket counts by itself is counted in Redis."""

from __future__ import annotations

from contextlib import suppress

from conversations import frames
from conversations.consumers.visitor import VisitorConnection
from conversations.forms import FramesBody
from core.errors import RateLimited
from core.realtime.closing import Close
from core.realtime.connection import FRAMES_A_SECOND, FRAMES_AT_ONCE
from core.realtime.errors import Refused
from core.realtime.threads import in_thread
from tenants.throttle import attempt_count

# Each call is a hello: a stream that breaks, a poll that was answered.
HELLOS_AT_ONCE, HELLOS_SECONDS = 15, 3


class VisitorStream(VisitorConnection):
    """One stream or poll among all that the visitor opens."""

    async def admit(self) -> None:
        try:
            await in_thread(self._count, "widget_hello", HELLOS_AT_ONCE, HELLOS_SECONDS)
        except RateLimited as error:
            raise Refused(Close.TOO_MANY, error, is_visible=True) from None
        await super().admit()

    def _count(self, kind: str, limit: int, seconds: int) -> None:
        subject = self.customer.pk.hex
        attempt_count(kind=kind, subject=subject, limit=limit, seconds=seconds, fails_closed=False)


class VisitorCall(VisitorStream):
    """What a visitor says beside a stream, in one call: every frame but `hello`."""

    frame_set = frames.VISITOR_SAYS

    async def begin(self, body: FramesBody) -> None:
        """Mean a conversation; raises ConversationNotFound, and RateLimited before any frame."""
        await in_thread(self._frames_count, len(body.frames))
        self._conversation_id = await in_thread(self._conversation, body.conversation)

    def _frames_count(self, frames_said: int) -> None:
        """Count the frames as a socket would: so many a second, so many at once."""
        for _ in range(frames_said):
            seconds = int(FRAMES_AT_ONCE / FRAMES_A_SECOND)
            self._count("widget_frame", int(FRAMES_AT_ONCE), seconds)

    async def on_typing(self, frame: frames.VisitorTyping) -> None:
        with suppress(RateLimited):
            await in_thread(self._count, "widget_typing", 1, 1)
            await super().on_typing(frame)
