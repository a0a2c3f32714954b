"""Which origins are the same, which only look so, and what a browser page may do from each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.test import Client

from config.asgi import application
from conversations import services
from conversations.errors import OriginInvalid
from conversations.origins import origin_normalise
from core import tenancy
from core.tenancy import TenantContext
from tests.conftest import World

SHOP = "https://shop.example.com"
ORIGIN_ALLOWED = [SHOP, "http://localhost:3000", "https://xn--bcher-kva.example"]
STRANGERS = [
    "null",
    "http://shop.example.com",  # another scheme
    "https://shop.example.com:8443",  # another port
    "https://example.com",
    "https://evil-shop.example.com",
    "https://sub.shop.example.com",
    "https://shop.example.com.evil.io",
    "https://shopxexample.com",
    "https://shop.example.com@evil.io",
    "https://evil.io#https://shop.example.com",
    "https://shop.example.com.",  # another origin for a browser
    "https://shop.example.com/",
    "HTTPS://SHOP.EXAMPLE.COM",  # no browser writes it so
    "https://shop.example.com, https://evil.io",
    "https://bücher.example",
    "file://",
    "http://localhost",
    "http://127.0.0.1:3000",
]


@pytest.fixture
def key(acme: TenantContext) -> str:
    with tenancy.tenant_scope(acme):
        widget = services.widget_ensure()
        services.widget_update(widget_id=widget.pk, allowed_origins=ORIGIN_ALLOWED)
        return widget.key


@pytest.fixture
def visitor() -> Client:
    return Client(headers={"host": "acme.localhost"})


def session(client: Client, key: str, origin: str) -> Any:
    # WSGI hands headers over as Latin-1.
    sent = origin.encode().decode("latin-1")
    return client.post(
        "/widget/session", {"key": key}, content_type="application/json", headers={"origin": sent}
    )


@pytest.mark.parametrize("origin", ORIGIN_ALLOWED)
def test_listed_origin_may_chat(visitor: Client, key: str, origin: str) -> None:
    assert session(visitor, key, origin).status_code == 200
    panel = visitor.get("/widget/panel/", {"key": key, "origin": origin})
    assert panel.status_code == 200
    assert origin in panel["Content-Security-Policy"]


@pytest.mark.parametrize("origin", STRANGERS)
def test_look_alike_may_not(visitor: Client, key: str, origin: str) -> None:
    refused = session(visitor, key, origin)
    assert (refused.status_code, refused.json()["code"]) == (403, "origin_refused")
    panel = visitor.get("/widget/panel/", {"key": key, "origin": origin})
    assert panel.status_code == 403


def test_empty_list_is_for_the_workspaces_own_pages_alone(
    visitor: Client, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(globex):
        key = services.widget_ensure().key
    theirs = Client(headers={"host": "globex.localhost"})
    assert session(theirs, key, "http://globex.localhost:8000").status_code == 200
    assert session(theirs, key, SHOP).status_code == 403
    assert session(theirs, key, "http://acme.localhost:8000").status_code == 403


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("origin", "is_welcome"),
    [(SHOP, True), *((origin, False) for origin in STRANGERS if origin.isascii())],
)
async def test_socket_takes_the_same_origins(world: World, origin: str, is_welcome: bool) -> None:
    token = await _token(world)
    headers = [(b"host", b"acme.localhost"), (b"origin", origin.encode())]
    scope = {"type": "websocket", "path": "/ws/chat/", "query_string": b"", "headers": headers}
    communicator: Any = ApplicationCommunicator  # asgiref does not type it
    line = communicator(application, {**scope, "subprotocols": ["frontdesk.v1", f"token.{token}"]})
    await line.send_input({"type": "websocket.connect"})
    answer = await line.receive_output(timeout=5)
    assert (answer["type"] == "websocket.accept") is is_welcome
    await line.send_input({"type": "websocket.disconnect"})
    await line.wait(timeout=5)


async def _token(world: World) -> str:
    from asgiref.sync import sync_to_async

    def make() -> str:
        with tenancy.tenant_scope(world.tenants["acme"]):
            widget = services.widget_ensure()
            services.widget_update(widget_id=widget.pk, allowed_origins=[SHOP])
            return services.visitor_session_start(key=widget.key, origin="").visitor_token

    return str(await sync_to_async(make)())


# --- as people write them


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        (" HTTPS://Shop.Example.com/ ", SHOP),
        ("https://shop.example.com:443", SHOP),
        ("http://shop.example.com:80/", "http://shop.example.com"),
        ("https://shop.example.com:8443", "https://shop.example.com:8443"),
        ("https://Bücher.example", "https://xn--bcher-kva.example"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("https://shop.example.com.", "https://shop.example.com."),
    ],
)
def test_origin_is_written_as_browsers_do(written: str, origin: str) -> None:
    assert origin_normalise(written) == origin
    assert origin_normalise(origin) == origin


@pytest.mark.parametrize(
    "written",
    [
        *("null", "*", "https://*.example.com", "shop.example.com", "javascript:alert(1)"),
        *("https://user@shop.example.com", "https://@shop.example.com", "https://a:b@c.example"),
        *(
            "https://shop.example.com\\@evil.io",
            "https://shop.example.com/x",
            "https://a.example?q",
        ),
        *("https://a.example#x", "https://a.example:99999", "https://a.example:x", "https://"),
        *("https://a b.example", "https://a.example;script-src *", "ftp://a.example", ""),
        *("https://\u202e.example", "https://ex\x00ample.com", "https://[::1", "https://..."),
    ],
)
def test_what_is_no_origin_is_refused(written: str) -> None:
    with pytest.raises(OriginInvalid):
        origin_normalise(written)


# --- calls from a browser across origins


@pytest.mark.parametrize("path", ["/widget/session", "/widget/handover", "/api/v1/chat/message"])
def test_listed_page_may_call_the_chat(visitor: Client, key: str, path: str) -> None:
    headers = {"origin": SHOP, "access-control-request-method": "POST"}
    answer = visitor.options(path, headers=headers)
    assert answer["Access-Control-Allow-Origin"] == SHOP
    assert "authorization" in answer["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.parametrize("origin", STRANGERS)
def test_other_page_may_not_call_the_chat(visitor: Client, key: str, origin: str) -> None:
    sent = origin.encode().decode("latin-1")
    headers = {"origin": sent, "access-control-request-method": "POST"}
    answer = visitor.options("/widget/session", headers=headers)
    assert "Access-Control-Allow-Origin" not in answer


@pytest.mark.parametrize("path", ["/api/v1/settings", "/api/v1/conversations", "/settings/keys/"])
def test_listed_page_may_call_nothing_of_the_teams(
    sign_in: Callable[..., Client], key: str, path: str
) -> None:
    headers = {"origin": SHOP, "access-control-request-method": "GET"}
    owner = sign_in()
    for answer in (owner.options(path, headers=headers), owner.get(path, headers=headers)):
        assert "Access-Control-Allow-Origin" not in answer


def test_page_listed_elsewhere_may_not_call_here(key: str, globex: TenantContext) -> None:
    theirs = Client(headers={"host": "globex.localhost"})
    headers = {"origin": SHOP, "access-control-request-method": "POST"}
    assert "Access-Control-Allow-Origin" not in theirs.options("/widget/session", headers=headers)
