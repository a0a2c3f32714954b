"""A real uvicorn for the socket tests, and visitors who can use it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import uvicorn

from conversations import services
from core import tenancy
from core.events import registry
from tests.conversations.lines import Line, Realtime


@dataclass(frozen=True, slots=True)
class Visitor:
    """A visitor of a tenant with a conversation under way."""

    slug: str
    token: str
    conversation_id: UUID


@pytest.fixture(autouse=True)
def _nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what other apps do with our events: here only conversations are under test."""
    ours = {
        name: found
        for name, found in registry._subscribers.items()
        if name.startswith("conversations.")
    }
    monkeypatch.setattr(registry, "_subscribers", ours)


@pytest.fixture(scope="session")
def realtime(django_db_setup: None) -> Iterator[Realtime]:
    """Serve the project's ASGI application on a free port."""
    from config.asgi import application

    config = uvicorn.Config(
        application,
        host="127.0.0.1",
        port=0,
        log_level="warning",
        lifespan="off",
        http="core.realtime.protocol:HttpProtocol",
        ws="core.realtime.protocol:WebSocketProtocol",
        ws_max_size=256 * 1024,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Realtime(server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def visitor(world: Any, transactional_db: None) -> Callable[..., Visitor]:
    """Return a function that lets a new visitor in."""

    def come(slug: str = "acme") -> Visitor:
        with tenancy.tenant_scope(world.tenants[slug]):
            widget = services.widget_ensure()
            session = services.visitor_session_start(key=widget.key, origin="")
        return Visitor(slug, session.visitor_token, session.conversation_id)

    return come


@pytest.fixture
def chat(realtime: Realtime) -> Callable[..., AbstractContextManager[Line]]:
    """Return a function that connects a visitor."""

    def connected(visitor: Visitor, **options: Any) -> AbstractContextManager[Line]:
        options.setdefault("token", visitor.token)
        return realtime.line(visitor.slug, "/ws/chat/", **options)

    return connected


@pytest.fixture
def inbox(realtime: Realtime, sign_in: Any) -> Callable[..., AbstractContextManager[Line]]:
    """Return a function that connects a member by session cookie."""

    def connected(
        slug: str = "acme", role: str = "agent", **options: Any
    ) -> AbstractContextManager[Line]:
        cookie = sign_in(slug, role).cookies["fd_session"].value
        options.setdefault("headers", {"Cookie": f"fd_session={cookie}"})
        options.setdefault("origin", f"http://{slug}.localhost:8000")
        return realtime.line(slug, "/ws/inbox/", **options)

    return connected
