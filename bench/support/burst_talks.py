"""Visitors who say one thing in five messages, by socket or over REST, and how long they wait."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from bench.support.visits import CHAT, Workspace

MESSAGES: Final = 5
# Four pauses, about two seconds together.
PAUSE_SECONDS: Final = (0.2, 0.8)
ANSWER_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.03


@dataclass(slots=True)
class Burst:
    """Five messages of one visitor; `reply_ms` from the last one to the first reply after it."""

    texts: Sequence[str]
    by_socket: bool
    pauses: Sequence[float]
    conversation_id: str = ""
    seconds: float = 0.0
    reply_ms: float | None = None

    @property
    def whole(self) -> str:
        """Return what a run that read all of it is given to answer."""
        return "\n".join(self.texts)


def parts_of(question: str) -> list[str]:
    """Return a question in five messages, cut between words; fewer where it is shorter."""
    words = question.split()
    cuts = [round(len(words) * place / MESSAGES) for place in range(MESSAGES + 1)]
    return [" ".join(words[before:after]) for before, after in pairwise(cuts) if before < after]


def bursts_make(
    thoughts: Sequence[Sequence[str]], count: int, chance: random.Random
) -> list[Burst]:
    """Return bursts, every other one by socket, with pauses of the seed's."""
    return [
        Burst(
            thoughts[number % len(thoughts)],
            by_socket=number % 2 == 0,
            pauses=[chance.uniform(*PAUSE_SECONDS) for _ in range(MESSAGES - 1)],
        )
        for number in range(count)
    ]


async def bursts_hold(workspace: Workspace, bursts: Sequence[Burst], at_once: int) -> None:
    """Say them all, some at once."""
    waiting = list(reversed(bursts))

    async def work() -> None:
        while waiting:
            burst = waiting.pop()
            await (_by_socket if burst.by_socket else _over_rest)(workspace, burst)

    await asyncio.gather(*(work() for _ in range(at_once)))


async def _say(burst: Burst, say: Callable[[str], Any]) -> float:
    """Say the five with their pauses; returns when the last one was said."""
    began = time.perf_counter()
    for text, pause in zip(burst.texts, [*burst.pauses, 0.0], strict=True):
        said_at = time.perf_counter()
        await say(text)
        if pause:
            await asyncio.sleep(max(0.0, said_at + pause - time.perf_counter()))
    burst.seconds = said_at - began
    return said_at


async def _by_socket(workspace: Workspace, burst: Burst) -> None:
    session = await asyncio.to_thread(workspace.session)
    burst.conversation_id = session["conversation_id"]
    async with workspace.line("/ws/chat/", session["visitor_token"]) as line:
        await line.send('{"type":"hello"}')
        replies: asyncio.Queue[float] = asyncio.Queue()
        listening = asyncio.create_task(_listen(line, replies))

        async def say(text: str) -> None:
            await line.send(json.dumps({"type": "message", "client_id": uuid4().hex, "text": text}))

        said_at = await _say(burst, say)
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                while (replied_at := await replies.get()) < said_at:
                    pass  # to an earlier one of the five
                burst.reply_ms = (replied_at - said_at) * 1000
        listening.cancel()


async def _listen(line: ClientConnection, replies: asyncio.Queue[float]) -> None:
    """Note when each reply of the AI arrives."""
    with suppress(ConnectionClosed):
        async for text in line:
            frame = json.loads(text)
            if frame["type"] == "message" and frame["author"] == "ai":
                replies.put_nowait(time.perf_counter())


async def _over_rest(workspace: Workspace, burst: Burst) -> None:
    user = uuid4().hex
    told: dict[str, Any] = {}

    async def say(text: str) -> None:
        body = {"message": text, "user_id": user, "client_id": uuid4().hex}
        told.update(await asyncio.to_thread(workspace.ask, "POST", CHAT, body, bearer=key))

    key = workspace.api_key
    said_at = await _say(burst, say)
    burst.conversation_id = told["conversation_id"]
    path = urlsplit(told["status_url"]).path
    while time.perf_counter() < said_at + ANSWER_SECONDS:
        answer = await asyncio.to_thread(workspace.call, "GET", path, bearer=key)
        if answer.status == 200 and answer.body["status"] == "answered":
            burst.reply_ms = (time.perf_counter() - said_at) * 1000
            return
        await asyncio.sleep(POLL_SECONDS)
