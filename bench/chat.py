"""Time whole conversations over the socket against the running stack (`make up` first).

A conversation is: session, connect, hello, one question, its complete answer with a citation. 100
run one at a time, then 200 eight at a time. Every transcript is compared with the database through
the REST API. Prints one JSON object on its last line; exits 0 only if nothing was lost or doubled.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import yaml
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

ROOT = Path(__file__).resolve().parent.parent
TENANT = "acme"
ONE_BY_ONE, AT_ONCE, TOGETHER = 100, 200, 8
ANSWER_SECONDS = 30.0
LOOPBACK = "127.0.0.1"


@dataclass(slots=True)
class Talk:
    """One conversation as its client saw it; times in milliseconds."""

    question: str
    conversation_id: str = ""
    accept_ms: float = 0.0
    reply_ms: float = 0.0
    is_cited: bool = False
    heard: list[tuple[int, str]] = field(default_factory=list)


class Stack:
    """The running stack, as `var/demo.json` describes it."""

    def __init__(self, path: Path) -> None:
        tenant = json.loads(path.read_text())["tenants"][TENANT]
        self.base_url = str(tenant["base_url"])
        self.widget_key = str(tenant["widget_key"])
        self.api_key = str(tenant["api_key"])

    def call(self, path: str, body: dict[str, Any] | None = None, bearer: str = "") -> Any:
        """Make a request to the tenant's host over the loopback address."""
        parts = urlsplit(self.base_url)
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{parts.port or 80}{path}",
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Host": parts.netloc, "Content-Type": "application/json"},
        )
        if bearer:
            request.add_header("Authorization", f"Bearer {bearer}")
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - as above
            return json.load(response)

    def session(self) -> dict[str, Any]:
        """Begin a visit; where the brake on visits per minute says wait, wait."""
        while True:
            try:
                found: dict[str, Any] = self.call("/widget/session", {"key": self.widget_key})
                return found
            except urllib.error.HTTPError as error:
                if error.code != HTTPStatus.TOO_MANY_REQUESTS:
                    raise
                time.sleep(int(error.headers.get("Retry-After", 1)))

    def stored(self, conversation_id: str) -> list[tuple[int, str]]:
        """Return (seq, author) of what the database holds, system messages included."""
        path = f"/api/v1/conversations/{conversation_id}/messages"
        page = self.call(path, bearer=self.api_key)
        return [(message["seq"], message["author"]) for message in page["results"]]


async def hear(socket: ClientConnection, talk: Talk, wanted: str, author: str = "") -> Any:
    """Return the next frame of a type, noting every message on the way."""
    while True:
        frame = json.loads(await socket.recv())
        if frame["type"] == "message":
            talk.heard.append((frame["seq"], frame["author"]))
        is_ours = not author or frame.get("author") == author
        is_over = frame["type"] == "status" and frame["state"] != "ai"
        if (frame["type"] == wanted and is_ours) or (author and is_over):
            return frame


async def converse(stack: Stack, question: str) -> Talk:
    """Hold one conversation and return it with its times."""
    talk = Talk(question)
    session = await asyncio.to_thread(stack.session)
    talk.conversation_id = session["conversation_id"]
    url = session["ws_url"]
    protocols = [Subprotocol("frontdesk.v1"), Subprotocol(f"token.{session['visitor_token']}")]
    async with connect(
        url, host=LOOPBACK, port=urlsplit(url).port, subprotocols=protocols, proxy=None
    ) as socket:
        await socket.send('{"type":"hello"}')
        await hear(socket, talk, "status")
        message = {"type": "message", "client_id": uuid4().hex, "text": question}
        began = time.perf_counter()
        await socket.send(json.dumps(message))
        await hear(socket, talk, "accepted")
        talk.accept_ms = (time.perf_counter() - began) * 1000
        reply = await hear(socket, talk, "message", author="ai")
        talk.reply_ms = (time.perf_counter() - began) * 1000
        talk.is_cited = bool(reply.get("citations"))
    return talk


async def attempt(stack: Stack, question: str) -> Talk:
    """Hold a conversation; one that breaks off or waits too long is left without a reply."""
    try:
        return await asyncio.wait_for(converse(stack, question), ANSWER_SECONDS)
    except (TimeoutError, ConnectionClosed, OSError) as error:
        print(f"no answer ({type(error).__name__}): {question}", file=sys.stderr)
        return Talk(question)


async def one_by_one(stack: Stack, questions: Sequence[str], count: int) -> list[Talk]:
    return [await attempt(stack, question) for question in islice(cycle(questions), count)]


async def together(stack: Stack, questions: Sequence[str], count: int) -> list[Talk]:
    """Hold conversations, several at a time."""
    waiting = list(islice(cycle(questions), count))
    talks: list[Talk] = []

    async def work() -> None:
        while waiting:
            talks.append(await attempt(stack, waiting.pop()))

    await asyncio.gather(*(work() for _ in range(TOGETHER)))
    return talks


def faults(stack: Stack, talks: Sequence[Talk]) -> tuple[int, int]:
    """Return how many messages were lost and doubled, on the way or in the database."""
    lost = doubled = 0
    for talk in talks:
        if not talk.is_cited:
            lost += 1
            continue
        stored = stack.stored(talk.conversation_id)
        authors = [author for _, author in stored]
        lost += len(set(stored) - set(talk.heard))
        doubled += len(talk.heard) - len(set(talk.heard))
        doubled += max(0, authors.count("visitor") - 1) + max(0, authors.count("ai") - 1)
    return lost, doubled


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else 0.0


async def measure(stack: Stack, questions: Sequence[str]) -> dict[str, Any]:
    """Warm up with every question once, then measure with those the documents answer."""
    tried = await one_by_one(stack, questions, len(questions))
    answerable = [talk.question for talk in tried if talk.is_cited]
    if not answerable:
        raise SystemExit("None of the questions was answered: are the documents there?")
    alone = await one_by_one(stack, answerable, ONE_BY_ONE)
    began = time.perf_counter()
    crowd = await together(stack, answerable, AT_ONCE)
    seconds = time.perf_counter() - began
    lost, doubled = await asyncio.to_thread(faults, stack, [*alone, *crowd])
    replied = [talk.reply_ms for talk in alone if talk.is_cited]
    return {
        "accept_p50_ms": round(statistics.median(talk.accept_ms for talk in alone), 1),
        "accept_p95_ms": percentile([talk.accept_ms for talk in alone], 0.95),
        "reply_p50_ms": percentile(replied, 0.5),
        "reply_p95_ms": percentile(replied, 0.95),
        "replies_per_s_c8": round(sum(talk.is_cited for talk in crowd) / seconds, 1),
        "reply_p95_ms_c8": percentile([talk.reply_ms for talk in crowd if talk.is_cited], 0.95),
        "lost": lost,
        "duplicated": doubled,
        "questions": len(answerable),
        "questions_tried": len(tried),
    }


def main() -> int:
    path = Path(os.environ.get("VAR_DIR") or ROOT / "var") / "demo.json"
    if not path.is_file():
        raise SystemExit(f"{path} is missing: run `make up` first.")
    listed = yaml.safe_load((ROOT / "tests/knowledge/questions.yaml").read_text())["questions"]
    questions = [entry["question"] for entry in listed if entry["tenant"] == TENANT]
    found = asyncio.run(measure(Stack(path), questions))
    print(json.dumps(found))
    return 0 if found["lost"] == found["duplicated"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
