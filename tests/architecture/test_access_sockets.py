"""Every socket with every kind of caller, connected through the project's ASGI application."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from config.asgi import application
from conversations import services
from conversations.consumers.calls import CALLS
from conversations.routing import SOCKETS
from core.realtime.closing import Close
from core.tenancy import tenant_scope
from tenants.types import ROLE_SCOPES, SCOPES, Role
from tests.conftest import ROLES, World

# Sockets without a required_scope: what proves that a caller may connect.
BEARERS = {"ws/chat/": "visitor"}
# Calls in a socket's place: the visitor token opens each. Method and query.
CALLED = {
    "widget/events": ("GET", b""),
    "widget/poll": ("GET", b"wait=0"),
    "widget/frames": ("POST", b""),
}
SCOPED = sorted(path for path, socket in SOCKETS.items() if socket.required_scope)
Credentials = dict[str, Any]
communicator: Any = ApplicationCommunicator  # asgiref does not type it


@pytest.fixture
def credentials(world: World, transactional_db: None, sign_in: Any, api_key: Any) -> Credentials:
    """Return what each caller sends: {"cookie": …} or {"token": …}."""
    made: Credentials = {"anonymous": {}, "key that is none": {"token": "fd_aaaaaaaa_" + "b" * 43}}
    for slug in ("acme", "globex"):
        for role in ROLES:
            cookie = sign_in(slug, role).cookies["fd_session"].value
            made[f"{role} of {slug}"] = {"cookie": cookie}
        made[f"key of {slug}"] = {"token": api_key(slug, *SCOPES)}
        with tenant_scope(world.tenants[slug]):
            key = services.widget_ensure().key
            token = services.visitor_session_start(key=key, origin="").visitor_token
        made[f"visitor of {slug}"] = {"token": token}
    for path in SCOPED:
        scope = SOCKETS[path].required_scope
        others = [other for other in SCOPES if other != scope]
        made[f"key without {scope}"] = {"token": api_key("acme", *others)}
        made[f"key with {scope}"] = {"token": api_key("acme", str(scope))}
    return made


async def close_code(path: str, sent: dict[str, str]) -> int | None:
    """Return the code acme's socket closes with at once, or None when the caller may stay."""
    headers = [(b"host", b"acme.localhost")]
    if "cookie" in sent:
        headers.append((b"cookie", f"fd_session={sent['cookie']}".encode()))
    protocols = ["frontdesk.v1", *([f"token.{sent['token']}"] if "token" in sent else [])]
    scope = {"type": "websocket", "path": f"/{path}", "query_string": b"", "headers": headers}
    line = communicator(application, {**scope, "subprotocols": protocols})
    await line.send_input({"type": "websocket.connect"})
    answer = await line.receive_output(timeout=5)
    if answer["type"] == "websocket.accept":
        await line.send_input({"type": "websocket.receive", "text": '{"type":"ping"}'})
        answer = await line.receive_output(timeout=5)
    await line.send_input({"type": "websocket.disconnect"})
    await line.wait(timeout=5)
    return int(answer["code"]) if answer["type"] == "websocket.close" else None


def welcome(path: str) -> set[str]:
    """Return who may connect by the declared rule."""
    scope = SOCKETS[path].required_scope
    if scope is None:
        return {f"{BEARERS[path]} of acme"}
    roles = {f"{role} of acme" for role in ROLES if scope in ROLE_SCOPES[Role(role)]}
    return {*roles, "key of acme", f"key with {scope}"}


def test_every_socket_has_a_rule() -> None:
    silent = [path for path, socket in SOCKETS.items() if not socket.required_scope]
    assert sorted(silent) == sorted(BEARERS), (
        "Declare `required_scope` on the socket's class, or say in BEARERS whose token opens it."
    )


@pytest.mark.parametrize("path", sorted(SOCKETS))
async def test_socket_lets_in_whom_its_rule_says(path: str, credentials: Credentials) -> None:
    codes = {name: await close_code(path, sent) for name, sent in credentials.items()}
    refused = {name for name, code in codes.items() if code is not None}
    assert set(codes) - refused == welcome(path)
    assert {codes[name] for name in refused} <= {Close.UNAUTHENTICATED, Close.FORBIDDEN}


async def status(path: str, sent: dict[str, str]) -> int:
    """Return the status of acme's answer to a call with its own method."""
    headers = [(b"host", b"acme.localhost")]
    if "cookie" in sent:
        headers.append((b"cookie", f"fd_session={sent['cookie']}".encode()))
    if "token" in sent:
        headers.append((b"authorization", f"Bearer {sent['token']}".encode()))
    method, query = CALLED[path]
    scope = {"type": "http", "method": method, "path": f"/{path}", "query_string": query}
    call = communicator(application, {**scope, "headers": headers})
    await call.send_input({"type": "http.request", "body": b"", "more_body": False})
    answer = await call.receive_output(timeout=5)
    await call.send_input({"type": "http.disconnect"})
    await call.wait(timeout=5)
    return int(answer["status"])


def test_every_call_beside_the_sockets_has_a_rule() -> None:
    assert sorted(CALLS) == sorted(CALLED), "Say in CALLED how it is called."


@pytest.mark.parametrize("path", sorted(CALLED))
async def test_call_lets_in_the_workspaces_visitors_alone(
    path: str, credentials: Credentials
) -> None:
    statuses = {name: await status(path, sent) for name, sent in credentials.items()}
    # A visitor is let in as far as the body, which is empty.
    assert statuses.pop("visitor of acme") in {200, 400}
    assert set(statuses.values()) == {401}


async def test_socket_at_an_unknown_address_is_refused(credentials: Credentials) -> None:
    sent = credentials["owner of acme"]
    assert await close_code("ws/new/", sent) == Close.FORBIDDEN
