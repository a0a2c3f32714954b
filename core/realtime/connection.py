"""One client: strict frames in, a bounded queue out, a heartbeat, one way to end.

How the frames travel is the transport's business: a WebSocket, an event stream or a long poll.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from contextvars import copy_context
from typing import Any, ClassVar

import structlog
from django.conf import settings

from core.errors import DomainError, ServiceUnavailable
from core.observability.metrics import ws_active_connections, ws_closed_total, ws_frames_total
from core.realtime.closing import Close
from core.realtime.errors import (
    FrameInvalid,
    FrameRateLimited,
    ProtocolUnsupported,
    Refused,
    SlowConsumer,
)
from core.realtime.feed import Feed
from core.realtime.frames import Frame, FrameSet
from core.realtime.handshake import Handshake
from core.realtime.hub import hub
from core.realtime.queue import OutboundQueue, Policy
from core.realtime.rate import TokenBucket
from core.realtime.transport import Transport, TransportClosed
from core.realtime.wire import Packet, frame_text

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 25.0
RECHECK_SPREAD_SECONDS = 1.0
FRAMES_A_SECOND, FRAMES_AT_ONCE = 20.0, 60.0
# A hello may bring hundreds of messages.
COSTS = {"hello": 5.0}
FAULTS_ALLOWED = 20
RATE_FAULTS_ALLOWED = 500


class Connection:
    """Base of the connections: says who may connect and what each frame does.

    A subclass gives `kind`, `protocol`, `frame_set` and an `on_<type>` coroutine per frame, and may
    override `authenticate`, `admit`, `renew`, `part`, `beat` and `missed`. It follows groups with
    `follow` and `leave`.
    """

    kind: ClassVar[str]
    required_scope: ClassVar[str | None] = None  # None where a token stands for its bearer alone
    protocol: ClassVar[str]
    frame_set: ClassVar[FrameSet[Any]]

    def __init__(self, handshake: Handshake) -> None:
        self.id = secrets.token_hex(6)
        self.handshake = handshake
        self.queue = OutboundQueue(policy=Policy(settings.REALTIME_DROPS))
        self.feeds: dict[str, Feed] = {}
        self.loop = asyncio.get_running_loop()
        self._groups: set[str] = set()
        self._background: set[asyncio.Task[None]] = set()
        # The hub calls in no tenant's name; what it sets off happens in the one we were made in.
        self._context = copy_context()
        self._stopping: asyncio.Future[Close] = self.loop.create_future()
        self._transport: Transport | None = None
        self._writing: asyncio.Task[None] | None = None
        self._beating: asyncio.TimerHandle | None = None
        self._sent = 0
        self._rate = TokenBucket(FRAMES_A_SECOND, FRAMES_AT_ONCE)
        self._faults = 0
        self._rate_faults = 0

    # --- for subclasses

    async def authenticate(self) -> None:
        """Find out who connects; raises Refused."""

    async def admit(self) -> None:
        """Take the connection's place among the others; raises Refused."""

    async def renew(self) -> None:
        """Keep the place, every 25 seconds."""

    async def part(self) -> None:
        """Give the place back."""

    async def beat(self) -> None:
        """Check positions and say so, every 25 seconds."""

    async def missed(self) -> None:
        """Broadcasts may have been lost; feeds catch up by themselves."""

    def send(self, frame: dict[str, Any], *, is_durable: bool = True) -> None:
        """Send a frame to this connection; a reader too slow for it is let go."""
        try:
            self.queue.put(frame_text(frame), is_durable=is_durable)
        except SlowConsumer:
            self.stop(Close.SLOW_CONSUMER)

    def stop(self, code: Close) -> None:
        """End the connection with a close code."""
        if not self._stopping.done():
            self._stopping.set_result(code)

    async def follow(self, group: str, feed: Feed | None = None) -> None:
        """Hear a group from now on, through a feed if it has a sequence."""
        if feed is not None:
            self.feeds[group] = feed
        self._groups.add(group)
        await hub().follow(group, self)

    async def leave(self, group: str) -> None:
        feed = self.feeds.pop(group, None)
        if feed is not None:
            feed.stop()
        self._groups.discard(group)
        await hub().leave(group, self)

    # --- for the hub

    def deliver(self, group: str, packet: Packet) -> None:
        """Take a broadcast; never waits, never raises."""
        if packet.skip == self.id:
            return
        feed = self.feeds.get(group)
        try:
            if feed is not None:
                feed.deliver(packet)
            else:
                self.queue.put(
                    packet.text, is_durable=packet.is_durable, is_slight=packet.is_slight
                )
        except SlowConsumer:
            self.stop(Close.SLOW_CONSUMER)

    def recheck(self) -> None:
        """Check the position soon: not all connections at the same moment."""
        delay = random.uniform(0, RECHECK_SPREAD_SECONDS)  # noqa: S311 - jitter
        self.loop.call_later(delay, self._recheck, context=self._context)

    def _recheck(self) -> None:
        if self._stopping.done():
            return
        for feed in self.feeds.values():
            feed.catch_up()
        self._task(self._guarded(self.missed))

    def _task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something beside the reading, until the connection ends."""
        task = self.loop.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    # --- the connection's life

    async def run(self, transport: Transport) -> None:
        """Serve the connection from handshake to close."""
        try:
            await self.enter()
            await self.admit()
        except Refused as refused:
            ws_closed_total.labels(code=str(refused.code)).inc()
            await transport.refuse(refused)
            return
        try:
            await transport.open(self.protocol)
            with ws_active_connections.labels(kind=self._name(transport)).track_inprogress():
                code = await self._serve(transport)
        finally:
            await self._guarded(self.part)
        if code is not Close.NORMAL:
            ws_closed_total.labels(code=str(int(code))).inc()
        await transport.close(code)

    async def answer(self, texts: Sequence[str]) -> list[str]:
        """Handle frames that came in one call, and return what there is to say to them.

        The call has no place among the connections and follows nothing; `enter` comes first.
        """
        for text in texts:
            if not self._stopping.done():
                await self._heard(text)
        return self.queue.take()

    async def enter(self) -> None:
        """Agree on a version of the protocol and find out who connects; raises Refused."""
        if self.handshake.versions and self.protocol not in self.handshake.versions:
            error = ProtocolUnsupported(versions=[self.protocol])
            raise Refused(Close.UNSUPPORTED, error, is_visible=True, is_told=True)
        await self.authenticate()

    def _name(self, transport: Transport) -> str:
        return f"{self.kind}{transport.suffix}"

    async def _serve(self, transport: Transport) -> Close:
        self._transport = transport
        self.queue.connect(self._push, self._write_begin)
        # The first beat comes at a random time: after a restart they would all beat at once.
        self._beat_later(HEARTBEAT_SECONDS * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
        self._task(self._read(transport))
        try:
            return await self._stopping
        finally:
            await self._let_go()

    async def _let_go(self) -> None:
        """End the connection's tasks, forget what waits and leave every group."""
        self.stop(Close.NORMAL)
        if self._beating is not None:
            self._beating.cancel()
        tasks = tuple(self._background)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._sent_count()
        self.queue.close()
        for group in tuple(self._groups):
            await self.leave(group)

    def _push(self, text: str) -> bool:
        """Send a frame past the queue; only where nothing waits, or is being sent, before it."""
        is_free = self._writing is None and not self._stopping.done()
        if self._transport is None or not is_free or not self._transport.push(text):
            return False
        self._sent += 1
        return True

    def _write_begin(self) -> None:
        is_free = self._writing is None and not self._stopping.done()
        if is_free and self._transport is not None:
            self._writing = self._task(self._write(self._transport))

    async def _write(self, transport: Transport) -> None:
        """Send what waits, until nothing does; the connection ends with a client that is gone."""
        try:
            while len(self.queue):
                await transport.send(await self.queue.get() or "")
                self._sent += 1
        except OSError:
            self.stop(Close.NORMAL)
        finally:
            self._writing = None

    def _beat_later(self, seconds: float) -> None:
        self._beating = self.loop.call_later(seconds, self._beat_begin, context=self._context)

    def _beat_begin(self) -> None:
        self._beat_later(HEARTBEAT_SECONDS)
        self._task(self._pulse())

    async def _pulse(self) -> None:
        self._sent_count()
        await self._guarded(self.renew)
        await self._guarded(self.beat)

    def _sent_count(self) -> None:
        """Count what was sent since the last beat: a counter for each frame would cost a tenth."""
        ws_frames_total.labels(direction="out", type="any").inc(self._sent)
        self._sent = 0

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do what no frame has asked for; its failure is told or logged, not fatal."""
        try:
            await work()
        except DomainError as error:
            self._error(error, None)
        except Exception:
            log.exception("socket_work_failed", kind=self.kind)

    async def _read(self, transport: Transport) -> None:
        try:
            with suppress(TransportClosed):
                while True:
                    await self._heard(await transport.receive())
        finally:
            self.stop(Close.NORMAL)

    # --- frames

    async def _heard(self, text: str | None) -> None:
        frame: Frame | None = None
        try:
            frame = self.frame_set.decode(text)
            self._faults = 0
            await self._handle(frame)
        except FrameInvalid as error:
            self._fault(error)
        except FrameRateLimited as error:
            self._rate_fault(error, frame)
        except DomainError as error:
            self._error(error, frame)
        except Exception:
            log.exception("socket_frame_failed", kind=self.kind)
            self._error(InternalError(), frame)

    async def _handle(self, frame: Frame) -> None:
        name = str(getattr(frame, "type", ""))
        if not self._rate.take(COSTS.get(name, 1.0)):
            raise FrameRateLimited(retry_after=round(self._rate.wait_seconds(), 2))
        self._rate_faults = 0
        ws_frames_total.labels(direction="in", type=name).inc()
        await getattr(self, f"on_{name}")(frame)

    def _fault(self, error: FrameInvalid) -> None:
        self._error(error, None)
        self._faults += 1
        if self._faults >= FAULTS_ALLOWED:
            self.stop(Close.ABUSE)

    def _rate_fault(self, error: FrameRateLimited, frame: Frame | None) -> None:
        self._error(error, frame)
        self._rate_faults += 1
        if self._rate_faults >= RATE_FAULTS_ALLOWED:
            self.stop(Close.ABUSE)

    def _error(self, error: DomainError, frame: Frame | None) -> None:
        """Answer with an `error` frame that names the message or conversation it is about."""
        about = {
            name: str(getattr(frame, name))
            for name in ("client_id", "conversation")
            if getattr(frame, name, None) is not None
        }
        self.send({**error.frame(), "retryable": error.retryable, **about})


class InternalError(ServiceUnavailable):
    """Something failed that nobody anticipated; it is in our log."""

    code = "internal_error"
    title = "Something went wrong on our side; try again."
