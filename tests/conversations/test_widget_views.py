"""The widget over HTTP: who may load, frame and call it, and what a stranger gets."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from conversations import selectors, services
from conversations.views.look import palette_for
from core import tenancy
from core.tenancy import TenantContext

SHOP = "https://shop.example.com"
FOREIGN = "https://evil.example.net"
Post = Callable[..., Any]


@pytest.fixture
def visitor() -> Client:
    return Client(headers={"host": "acme.localhost:8000"})


@pytest.fixture
def key(acme: TenantContext) -> str:
    """Return the key of acme's widget, which may stand on one shop's pages."""
    with tenancy.tenant_scope(acme):
        widget = services.widget_ensure()
        services.widget_update(widget_id=widget.pk, allowed_origins=[SHOP], accent="#b91c1c")
        return widget.key


@pytest.fixture
def other_key(globex: TenantContext) -> str:
    with tenancy.tenant_scope(globex):
        return services.widget_ensure().key


@pytest.fixture
def post(visitor: Client) -> Post:
    def send(path: str, body: Any, client: Client = visitor, **headers: str) -> Any:
        content = body if isinstance(body, str) else json.dumps(body)
        return client.post(path, content, content_type="application/json", headers=headers)

    return send


def directives(response: Any) -> dict[str, str]:
    policy = response["Content-Security-Policy"]
    parts = (part.strip().partition(" ") for part in policy.split(";"))
    return {name: values for name, _, values in parts}


# --- the loader


def test_loader_carries_the_workspace_and_is_cacheable(visitor: Client, key: str) -> None:
    response = visitor.get("/widget.js")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/javascript")
    assert "public" in response["Cache-Control"]
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    script = response.content.decode()
    assert '"name": "Acme"' in script
    assert '"Chat with {name}"' in script
    assert '"Chat mit {name}"' in script
    assert '"accent": "#b91c1c"' in script
    assert len(gzip.compress(script.encode(), 9)) <= 10 * 1024
    assert "Set-Cookie" not in response


def test_loader_is_not_sent_again_to_who_has_it(visitor: Client, key: str) -> None:
    etag = visitor.get("/widget.js")["ETag"]
    assert visitor.get("/widget.js", headers={"if-none-match": etag}).status_code == 304


def test_loader_of_another_workspace_says_another_name(key: str, other_key: str) -> None:
    script = Client(headers={"host": "globex.localhost"}).get("/widget.js").content.decode()
    assert '"name": "Globex"' in script
    assert "Acme" not in script


# --- the panel


def test_panel_may_be_framed_by_the_allowed_origins_alone(visitor: Client, key: str) -> None:
    response = visitor.get("/widget/panel/", {"key": key, "origin": SHOP})
    assert response.status_code == 200
    assert directives(response)["frame-ancestors"] == f"'self' {SHOP}"
    assert "X-Frame-Options" not in response
    assert "unsafe" not in response["Content-Security-Policy"]


def test_panel_has_no_inline_code_or_style(visitor: Client, key: str) -> None:
    page = visitor.get("/widget/panel/", {"key": key}).content.decode()
    assert "<style" not in page
    assert " style=" not in page
    assert " on" not in {part[:3] for part in page.split('"')}
    scripts = [part.partition(">")[0] for part in page.split("<script")[1:]]
    assert all("src=" in script or 'type="application/json"' in script for script in scripts)


@pytest.mark.parametrize("more", [" https://evil.example", ";script-src *", "/x", ":1;x"])
def test_panel_refuses_a_parent_with_more_than_an_origin(
    visitor: Client, key: str, more: str
) -> None:
    parent = f"http://acme.localhost:8000{more}"
    response = visitor.get("/widget/panel/", {"key": key, "origin": parent})
    assert response.status_code == 403


def test_panel_refuses_a_foreign_parent(visitor: Client, key: str) -> None:
    response = visitor.get("/widget/panel/", {"key": key, "origin": FOREIGN})
    assert response.status_code == 403


@pytest.mark.parametrize("wrong", ["", "wk_unknown", "x" * 500])
def test_panel_without_a_known_key_is_not_found(visitor: Client, key: str, wrong: str) -> None:
    assert visitor.get("/widget/panel/", {"key": wrong}).status_code == 404


def test_panel_does_not_know_another_workspaces_key(visitor: Client, other_key: str) -> None:
    assert visitor.get("/widget/panel/", {"key": other_key}).status_code == 404


def test_panel_escapes_what_the_workspace_wrote(visitor: Client, key: str, acme: Any) -> None:
    with tenancy.tenant_scope(acme):
        widget = selectors.widget_get(key=key)
        services.widget_update(widget_id=widget.pk, greeting="</script><b>hi</b>", title="<i>A</i>")
    page = visitor.get("/widget/panel/", {"key": key}).content.decode()
    assert "<b>hi</b>" not in page
    assert "<i>A</i>" not in page


# --- the session


def test_session_gives_a_token_a_conversation_and_the_socket(post: Post, key: str) -> None:
    response = post("/widget/session", {"key": key}, origin=SHOP)
    assert response.status_code == 200
    body = response.json()
    assert body.keys() == {"visitor_token", "conversation_id", "ws_url", "http_url"}
    assert body["http_url"] == body["ws_url"].replace("ws", "http", 1).replace("ws/chat", "widget")
    assert body["ws_url"].endswith("/ws/chat/")
    assert "acme.localhost" in body["ws_url"]
    assert not response.cookies


def test_session_with_the_token_comes_back_to_its_conversation(post: Post, key: str) -> None:
    first = post("/widget/session", {"key": key}).json()
    again = post("/widget/session", {"key": key, "visitor_token": first["visitor_token"]}).json()
    assert again["conversation_id"] == first["conversation_id"]


def test_session_notes_the_page_the_visitor_writes_from(
    post: Post, key: str, acme: TenantContext
) -> None:
    page = {"url": f"{SHOP}/jackets", "title": "Jackets"}
    body = post("/widget/session", {"key": key, "page": page}, origin=SHOP).json()
    with tenancy.tenant_scope(acme):
        conversation = selectors.conversation_get(conversation_id=body["conversation_id"])
    assert conversation.context["page_url"] == f"{SHOP}/jackets"
    assert conversation.context["page_title"] == "Jackets"


@pytest.mark.parametrize("origin", [FOREIGN, "null", "http://globex.localhost:8000", SHOP + ".x"])
def test_session_refuses_a_foreign_origin(post: Post, key: str, origin: str) -> None:
    response = post("/widget/session", {"key": key}, origin=origin)
    assert response.status_code == 403
    assert response.json()["code"] == "origin_refused"


@pytest.mark.parametrize("origin", [SHOP, "http://acme.localhost:8000"])
def test_session_serves_the_allowed_and_the_own_origins(post: Post, key: str, origin: str) -> None:
    assert post("/widget/session", {"key": key}, origin=origin).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not json",
        "[]",
        {},
        {"key": 7},
        {"key": "wk_x", "admin": True},
        {"key": "wk_x", "page": {"url": "u", "cookie": "c"}},
        {"key": "wk_x", "page": "u"},
        {"key": "x" * 41},
    ],
)
def test_session_refuses_what_is_not_in_the_contract(post: Post, key: str, body: Any) -> None:
    response = post("/widget/session", body, accept="application/json")
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "validation_failed"
    assert response.json()["errors"]


def test_session_does_not_know_another_workspaces_key(post: Post, other_key: str) -> None:
    response = post("/widget/session", {"key": other_key}, accept="application/json")
    assert response.status_code == 404
    assert response.json()["code"] == "widget_unknown"


def test_token_of_another_workspace_makes_a_new_visitor(
    post: Post, key: str, other_key: str
) -> None:
    there = Client(headers={"host": "globex.localhost"})
    token = post("/widget/session", {"key": other_key}, client=there).json()["visitor_token"]
    here = post("/widget/session", {"key": key, "visitor_token": token}).json()
    assert here["visitor_token"] != token


# --- asking for a person


def handover(post: Post, session: dict[str, str], **changes: str) -> Any:
    token = changes.pop("token", session["visitor_token"])
    conversation = changes.pop("conversation", session["conversation_id"])
    body = {"conversation_id": conversation}
    headers = {"authorization": f"Bearer {token}", "accept": "application/json", **changes}
    return post("/widget/handover", body, **headers)


def test_visitor_who_asks_for_a_person_is_queued_once(
    post: Post, key: str, acme: TenantContext
) -> None:
    session = post("/widget/session", {"key": key}).json()
    answers = [handover(post, session) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["state"] == "queued"
    with tenancy.tenant_scope(acme):
        said = selectors.message_list(conversation_id=session["conversation_id"])
        assert [message.kind for message in said] == ["queued"]


def test_visitor_cannot_hand_over_somebody_elses_conversation(post: Post, key: str) -> None:
    mine = post("/widget/session", {"key": key}).json()
    theirs = post("/widget/session", {"key": key}).json()
    response = handover(post, mine, conversation=theirs["conversation_id"])
    assert response.status_code == 404


@pytest.mark.parametrize("conversation", ["0192f0c1-2d3e-7abc-8def-0123456789ab", "-" * 36])
def test_handover_of_no_conversation_is_not_found(post: Post, key: str, conversation: str) -> None:
    session = post("/widget/session", {"key": key}).json()
    assert handover(post, session, conversation=conversation).status_code == 404


def test_handover_needs_a_valid_token_and_a_known_origin(post: Post, key: str) -> None:
    session = post("/widget/session", {"key": key}).json()
    assert handover(post, session, token="forged").status_code == 401
    assert handover(post, session, authorization="Basic x").status_code == 401
    assert handover(post, session, origin=FOREIGN).status_code == 403


# --- colours


@pytest.mark.parametrize(
    ("accent", "ink"),
    [("#000000", "#fff"), ("#ffffff", "#10151c"), ("#facc15", "#10151c"), ("#2563eb", "#fff")],
)
def test_ink_is_readable_on_the_accent(accent: str, ink: str) -> None:
    assert palette_for(accent).ink == ink


def test_accent_that_is_no_colour_becomes_the_products_own() -> None:
    assert palette_for("red;}").accent == palette_for("").accent == "#0e5f4c"


# --- the workspace's own settings of it

SETTINGS = {"title": "", "greeting": "", "suggestions": "", "accent": "#b91c1c"}


def test_owner_allows_a_site_which_may_then_frame_the_panel(
    sign_in: Callable[..., Client], visitor: Client, key: str
) -> None:
    owner = sign_in("acme", "owner")
    data = {**SETTINGS, "allowed_origins": "https://New.Example.com/\nhttp://localhost:9000"}
    assert owner.post("/settings/widget/look/", data).status_code == 302
    new = visitor.get("/widget/panel/", {"key": key, "origin": "https://new.example.com"})
    assert new.status_code == 200
    assert visitor.get("/widget/panel/", {"key": key, "origin": SHOP}).status_code == 403


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("allowed_origins", "https://a.example/path"),
        ("allowed_origins", "javascript:alert(1)"),
        ("allowed_origins", "*"),
        ("allowed_origins", "\n".join(f"https://{n}.example" for n in range(21))),
        ("accent", "red"),
        ("suggestions", "x" * 121),
        ("title", "x" * 81),
    ],
)
def test_settings_refuse_what_cannot_be(
    sign_in: Callable[..., Client], key: str, field: str, value: str
) -> None:
    data = {**SETTINGS, "allowed_origins": SHOP, field: value}
    response = sign_in("acme", "owner").post("/settings/widget/look/", data)
    assert response.status_code == 422


@pytest.mark.parametrize("role", ["agent", "viewer"])
def test_settings_are_for_owners_and_admins(
    sign_in: Callable[..., Client], key: str, role: str
) -> None:
    client = sign_in("acme", role)
    assert client.get("/settings/widget/look/").status_code == 403
    assert client.post("/settings/widget/look/", SETTINGS).status_code == 403


def test_settings_page_shows_what_is_set(sign_in: Callable[..., Client], key: str) -> None:
    page = sign_in("acme", "admin").get("/settings/widget/look/").content.decode()
    assert SHOP in page
    assert "#b91c1c" in page
