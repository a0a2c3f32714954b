"""A client of the HTTP ways for tests: event streams, long polls and what is said beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

WAIT = 10.0
Frame = dict[str, Any]


@dataclass
class Stream:
    """One event stream; `heard` is every frame, `ids` the ids of those that have one."""

    lines: Iterator[str]
    heard: list[Frame] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def event(self) -> tuple[str, Frame]:
        """Return the next event's name and data; raises StopIteration at the end."""
        name = ""
        while True:
            key, _, value = next(self.lines).partition(": ")
            if key == "event":
                name = value
            elif key == "id":
                self.ids.append(value)
            elif key == "data":
                return name, json.loads(value)

    def hear(self, type_: str, **fields: Any) -> Frame:
        """Return the next frame of a type (with these fields), keeping the others."""
        while True:
            _, frame = self.event()
            self.heard.append(frame)
            if frame["type"] == type_ and fields.items() <= frame.items():
                return frame

    def closed(self) -> int:
        """Return the code of the `close` event."""
        while True:
            name, data = self.event()
            if name == "close":
                return int(data["code"])


class Calls:
    """A visitor who has no WebSocket."""

    def __init__(self, port: int, slug: str, token: str) -> None:
        headers = {"host": f"{slug}.localhost"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        base = f"http://127.0.0.1:{port}/widget/"
        self.http = httpx.Client(base_url=base, headers=headers, timeout=WAIT, trust_env=False)

    @contextmanager
    def stream(self, headers: dict[str, str] | None = None, **query: Any) -> Iterator[Stream]:
        with self.http.stream("GET", "events", params=query, headers=headers) as response:
            assert response.status_code == 200, response.read()
            assert response.headers["content-type"].startswith("text/event-stream")
            yield Stream(response.iter_lines())

    def poll(self, **query: Any) -> Frame:
        response = self.http.get("poll", params=query)
        assert response.status_code == 200, response.text
        found: Frame = response.json()
        return found

    def say(self, conversation: Any, *frames: Frame) -> list[Frame]:
        """Return what was answered to frames in a conversation."""
        response = self.post({"conversation": str(conversation), "frames": list(frames)})
        assert response.status_code == 200, response.text
        found: list[Frame] = response.json()["frames"]
        return found

    def post(self, body: Any, **options: Any) -> httpx.Response:
        return self.http.post("frames", json=body, **options)
