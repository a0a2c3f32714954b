"""The storm's customers: each says its messages one after the other, until each is acknowledged."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from bench.chaos.stack import Stack

MESSAGES: Final = 3
SHARE_REFUSED: Final = 0.25
AT_ONCE: Final = 8
PATIENCE_SECONDS: Final = 90.0
AGAIN_SECONDS: Final = 0.05
ANSWER_SECONDS: Final = 45.0
PATH: Final = "/api/v1/chat/message"


@dataclass
class Talk:
    """One conversation: which messages were acknowledged, by client id."""

    slug: str
    texts: Sequence[str]
    conversation_id: str = ""
    acknowledged: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class Customer:
    """Talks over REST as a shop's own widget would; what fails is sent again as it was."""

    def __init__(self, stack: Stack, talk: Talk, answered: list[float]) -> None:
        self.stack = stack
        self.talk = talk
        self.answered = answered
        self.user = uuid4().hex

    def converse(self) -> None:
        """Say everything, waiting for each answer."""
        for text in self.talk.texts:
            client_id = uuid4().hex
            answer = self._say(text, client_id)
            if answer is None:
                return
            self.talk.conversation_id = answer["conversation_id"]
            self.talk.acknowledged.append(client_id)
            self._answer_await(urlsplit(answer["status_url"]).path)

    def _say(self, text: str, client_id: str) -> dict[str, Any] | None:
        body = {"message": text, "client_id": client_id}
        place = self.talk.conversation_id
        body |= {"conversation_id": place} if place else {"user_id": self.user}
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_SECONDS:
            status, answer = self._call("POST", PATH, body)
            if status in (200, 202):
                return answer
            if 400 <= status < 500 and status not in (409, 429):
                self.talk.refused.append(f"{status} {answer.get('code')}")
                return None
            time.sleep(AGAIN_SECONDS)
        self.talk.refused.append("out of patience")
        return None

    def _answer_await(self, path: str) -> None:
        until = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < until:
            status, answer = self._call("GET", path)
            if status == 200 and answer["status"] != "pending":
                return
            time.sleep(AGAIN_SECONDS)

    def _call(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """Return (status, body); (0, {}) when nobody answered, or not to the end."""
        port = self.stack.ports["WEB_PORT"]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        headers = {
            "Host": f"{self.talk.slug}.localhost:{port}",
            "Authorization": f"Bearer {self.stack.keys[self.talk.slug]}",
            "Content-Type": "application/json",
            "Prefer": "wait=0",
        }
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            body = json.loads(response.read())
            if response.status < 500:
                self.answered.append(time.time())
            return response.status, body
        except (OSError, http.client.HTTPException, ValueError):
            return 0, {}
        finally:
            with suppress(OSError):
                connection.close()


@dataclass
class Talks:
    """As many conversations as wanted, and more for as long as the storm goes on."""

    wanted: int
    slugs: Sequence[str]
    random: random.Random
    made: list[Talk] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)  # when any request of anybody was
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> Talk:
        """Make another; the last message of some is to be refused, so that its run is undone."""
        with self.lock:
            texts = [f"Message {place}" for place in range(1, MESSAGES + 1)]
            if self.random.random() < SHARE_REFUSED:
                texts[-1] += ", refuse it"
            talk = Talk(self.slugs[len(self.made) % len(self.slugs)], texts)
            self.made.append(talk)
            return talk

    def hold(self, stack: Stack, is_calm: threading.Event) -> None:
        """Hold conversations, some at once, until there were enough and the storm is over."""

        def hold_some(_: int) -> None:
            while len(self.made) < self.wanted or not is_calm.is_set():
                Customer(stack, self.next(), self.answered).converse()

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(hold_some, range(AT_ONCE)))
