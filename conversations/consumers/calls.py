"""A visitor's ways in where no WebSocket passes: `/widget/events`, `…/poll`, `…/frames`.

The frames, and what is done with them, are those of the socket. An answer comes with the headers
that let the page of an allowed origin read it; a page of another origin is refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from conversations.consumers.entry import Application, address_from, inside, tenant_enter
from conversations.consumers.visitor import origin_check
from conversations.consumers.visitor_calls import VisitorCall, VisitorStream
from conversations.forms import FramesBody, body_parse
from core.errors import DomainError, MethodNotAllowed, NotFound
from core.http import problem_response
from core.realtime.cursor import Cursor, cursor_read
from core.realtime.errors import FrameInvalid, FrameUnknownField, Refused
from core.realtime.handshake import VERSION_PARAMETER, Handshake, handshake_read, headers_read
from core.realtime.http import Header, answer_send, body_read, headers_of, response_send
from core.realtime.streaming import EventStream, LongPoll
from core.realtime.threads import in_thread
from core.realtime.transport import Receive, Send, TransportClosed
from core.realtime.wire import frame_text
from tenants.throttle import attempt_count

# Per address and workspace: an office or a school behind one address stays far below it.
STREAMS_A_MINUTE: Final = 3_000
POLLS_A_MINUTE: Final = 30_000
CALLS_A_MINUTE: Final = 30_000
WAIT_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class Call:
    """A request of a visitor's page, inside its tenant."""

    handshake: Handshake
    query: dict[str, str]
    last_event_id: str
    receive: Receive
    send: Send
    headers: Sequence[Header]

    @property
    def cursor(self) -> Cursor | None:
        """Return where the client stands; raises FrameInvalid."""
        return cursor_read(self.last_event_id or self.query.get("after", ""))

    @property
    def hello(self) -> str:
        """Return the `hello` that the request stands for; raises FrameInvalid."""
        cursor, conversation = self.cursor, self.query.get("conversation", "")
        if cursor is not None and not conversation:
            raise FrameInvalid(field="conversation")
        if not conversation:
            return frame_text({"type": "hello"})
        epoch, seq = (cursor.epoch, cursor.seq) if cursor else ("", 0)
        resume = {"conversation": conversation, "epoch": epoch, "seq": seq}
        return frame_text({"type": "hello", "resume": resume})


Serve = Callable[[Call], Awaitable[None]]


def called(serve: Serve, *, method: str, takes: Sequence[str], a_minute: int) -> Application:
    """Return the ASGI application of one call: its method, its parameters, its brake."""

    async def application(scope: Any, receive: Receive, send: Send) -> None:
        handshake = handshake_read(scope)
        tenant = await tenant_enter(handshake)
        if tenant is None:
            await response_send(send, problem_response(NotFound()))
            return
        with inside(tenant):
            headers: list[Header] = [(b"vary", b"Origin"), (b"allow", method.encode())]
            try:
                await in_thread(origin_check, handshake.origin)
                headers += _cors(handshake.origin)
                if scope["method"] == "OPTIONS":
                    await answer_send(send, 204, _preflight(method), b"", headers)
                    return
                await in_thread(_let_in, scope, handshake, method, a_minute)
                query, last = _query(scope, takes), headers_read(scope).get("last-event-id", "")
                await serve(Call(handshake, query, last, receive, send, headers))
            except TransportClosed:
                return
            except (DomainError, Refused) as error:
                told = error.error if isinstance(error, Refused) else error
                await response_send(send, problem_response(told), headers)

    return application


def _let_in(scope: Any, handshake: Handshake, method: str, a_minute: int) -> None:
    """Raise for another method, and for an address that calls too often."""
    if scope["method"] != method:
        raise MethodNotAllowed()
    attempt_count(
        kind=scope["path"].strip("/").replace("/", "_"),
        subject=address_from(handshake),
        limit=a_minute,
        seconds=60,
        fails_closed=False,
    )


def _cors(origin: str) -> list[Header]:
    """Return what lets the page read the answer, without cookies."""
    return [(b"access-control-allow-origin", origin.encode("latin-1"))] if origin else []


def _preflight(method: str) -> list[Header]:
    return [
        (b"access-control-allow-methods", method.encode()),
        (b"access-control-allow-headers", b"authorization, content-type, last-event-id"),
        (b"access-control-max-age", b"7200"),
    ]


def _query(scope: Any, takes: Sequence[str]) -> dict[str, str]:
    """Return the parameters, each once and known; raises FrameInvalid."""
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    for name, _ in pairs:
        if name not in {*takes, VERSION_PARAMETER}:
            raise FrameUnknownField(field=name[:80])
    if len(dict(pairs)) < len(pairs):
        raise FrameInvalid(field="query")
    return dict(pairs)


async def _events(call: Call) -> None:
    """Stream the frames of a conversation until the client hangs up."""
    transport = EventStream(
        call.receive, call.send, hello=call.hello, cursor=call.cursor, headers=call.headers
    )
    await VisitorStream(call.handshake).run(transport)


async def _poll(call: Call) -> None:
    """Answer with the frames there are, or the first that come."""
    transport = LongPoll(
        call.receive,
        call.send,
        hello=call.hello,
        cursor=call.cursor,
        headers=call.headers,
        wait=_wait(call.query.get("wait", "")),
    )
    await VisitorStream(call.handshake).run(transport)


def _wait(written: str) -> int:
    """Return how many seconds to wait; raises FrameInvalid."""
    if not written:
        return WAIT_SECONDS
    if not (written.isascii() and written.isdigit() and len(written) <= 2):
        raise FrameInvalid(field="wait")
    return min(int(written), WAIT_SECONDS)


async def _frames(call: Call) -> None:
    """Take what the visitor says, and answer with what there is to say to it."""
    connection = VisitorCall(call.handshake)
    await connection.enter()
    body = body_parse(FramesBody, await body_read(call.receive))
    await connection.begin(body)
    answers = await connection.answer([frame_text(frame) for frame in body.frames])
    text = f'{{"frames":[{",".join(answers)}]}}'
    await answer_send(call.send, 200, headers_of("application/json"), text.encode(), call.headers)


CALLS: Final[dict[str, Application]] = {
    "widget/events": called(
        _events, method="GET", takes=("conversation", "after"), a_minute=STREAMS_A_MINUTE
    ),
    "widget/poll": called(
        _poll, method="GET", takes=("conversation", "after", "wait"), a_minute=POLLS_A_MINUTE
    ),
    "widget/frames": called(_frames, method="POST", takes=(), a_minute=CALLS_A_MINUTE),
}
