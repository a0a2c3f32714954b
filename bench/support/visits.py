"""Visitors of a running stack: by socket and over REST, and people of the team over REST."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from bench.support.stack import RunningStack

LOOPBACK: Final = "127.0.0.1"
PROTOCOL: Final = "frontdesk.v1"
CHAT: Final = "/api/v1/chat/message"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request came to; status 0 when nobody answered, or not to the end."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Workspace:
    """One workspace of a running stack, as its shop's site and its team know it."""

    slug: str
    web_port: int
    realtime_port: int
    widget_key: str
    api_key: str
    agent: Mapping[str, str]

    @classmethod
    def of_demo(cls, stack: RunningStack, slug: str) -> Workspace:
        demo, ports = stack.demo(slug), stack.ports
        web, realtime = ports["WEB_PORT"], ports["REALTIME_PORT"]
        return cls(slug, web, realtime, demo["widget_key"], demo["api_key"], demo["agent"])

    @property
    def schema(self) -> str:
        return f"t_{self.slug}"

    def call(
        self, method: str, path: str, body: Any = None, *, bearer: str = "", **headers: str
    ) -> Answer:
        """Make a request to the workspace's host; `idempotency_key=` gives `Idempotency-Key`."""
        connection = http.client.HTTPConnection(LOOPBACK, self.web_port, timeout=30)
        sent = {"Host": f"{self.slug}.localhost:{self.web_port}", "Prefer": "wait=0"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if bearer:
            sent["Authorization"] = f"Bearer {bearer}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, sent)
            response = connection.getresponse()
            return Answer(response.status, json.loads(response.read() or b"{}"))
        except (OSError, http.client.HTTPException, ValueError):
            return Answer(0, {})
        finally:
            with suppress(OSError):
                connection.close()

    def ask(self, method: str, path: str, body: Any = None, *, bearer: str = "") -> dict[str, Any]:
        """Make a request that has to succeed; raises RuntimeError."""
        answer = self.call(method, path, body, bearer=bearer)
        if not 200 <= answer.status < 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.body}")
        return answer.body

    def session(self) -> dict[str, Any]:
        """Let a new visitor in."""
        return self.ask("POST", "/widget/session", {"key": self.widget_key})

    def agent_token(self) -> str:
        """Sign the agent in; the token holds for an hour."""
        credentials = {"email": self.agent["email"], "password": self.agent["password"]}
        return str(self.ask("POST", "/api/v1/auth/token", credentials)["access_token"])

    def line(self, path: str, token: str, **options: Any) -> connect:
        """Return a connection to be entered: `/ws/chat/` or `/ws/inbox/`."""
        return connect(
            f"ws://{self.slug}.localhost:{self.realtime_port}{path}",
            host=LOOPBACK,
            port=self.realtime_port,
            subprotocols=[Subprotocol(PROTOCOL), Subprotocol(f"token.{token}")],
            proxy=None,
            **options,
        )
