"""One's own account: password, address, and the pages that mails lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from core import tenancy
from core.tenancy import TenantContext
from tenants import throttle
from tests.tenants.mails import path_in, sent
from tests.tenants.test_views_session import client_at, login_post

SignIn = Callable[..., Client]
PASSWORD = "correct horse 42"
NEW = "a longer sentence 7"


@pytest.fixture(autouse=True)
def fresh_count(acme: TenantContext, people: dict[Any, Any]) -> Iterator[None]:
    def forget() -> None:
        with tenancy.tenant_scope(acme):
            throttle.attempts_forget(kind="reset", subject="agent@acme.example.com")
            throttle.attempts_forget(kind="reset-address", subject="127.0.0.1")
        for person in people.values():
            for kind in ("password", "verification", "email-change"):
                throttle.person_attempts_forget(kind=kind, person_id=person.pk)

    forget()
    yield
    forget()


@pytest.fixture
def unverified(acme: TenantContext, people: dict[Any, Any], sign_in: SignIn) -> Client:
    """Return an owner whose address is not proved yet."""
    EmailAddress.objects.filter(user=people["acme", "owner"]).update(verified=False)
    return sign_in()


def test_account_changes_the_password_and_keeps_the_session(sign_in: SignIn) -> None:
    client = sign_in(role="agent")
    answer = client.post("/account/", {"current": PASSWORD, "new": NEW})
    assert answer["Location"] == "/account/"
    assert client.get("/account/").status_code == 200
    assert login_post(client_at("acme.localhost"), "agent@acme.example.com", NEW).status_code == 302


def test_account_change_ends_other_sessions(sign_in: SignIn) -> None:
    here, elsewhere = sign_in(role="agent"), sign_in(role="agent")
    here.post("/account/", {"current": PASSWORD, "new": "a longer sentence 8"})
    assert elsewhere.get("/").status_code == 302
    assert here.get("/").status_code == 200


@pytest.mark.parametrize(
    ("current", "new", "sentence"),
    [
        ("wrong", NEW, "not your current password"),
        (PASSWORD, "short", "too short"),
        (PASSWORD, "password12", "too common"),
    ],
)
def test_account_says_what_is_wrong_with_a_password(
    sign_in: SignIn, current: str, new: str, sentence: str
) -> None:
    answer = sign_in().post("/account/", {"current": current, "new": new})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_account_brakes_guesses_of_the_password_by_an_open_session(sign_in: SignIn) -> None:
    client = sign_in(role="agent")
    for _ in range(10):
        client.post("/account/", {"current": "wrong", "new": NEW})
    answer = client.post("/account/", {"current": PASSWORD, "new": NEW})
    assert answer.status_code == 422
    assert "Too many" in answer.content.decode()


def test_email_change_asks_for_the_password_and_takes_effect_with_the_link(
    sign_in: SignIn,
) -> None:
    client = sign_in(role="agent")
    form = {"email": "a2@acme.example.com", "current": "wrong"}
    assert client.post("/account/email/", form).status_code == 422
    with sent() as mails:
        assert client.post("/account/email/", {**form, "current": PASSWORD}).status_code == 302
    assert "agent@acme.example.com" in client.get("/account/").content.decode()
    stranger = client_at("acme.localhost")
    assert stranger.get(path_in(mails[0])).status_code == 200
    assert "agent@acme" in client.get("/account/").content.decode()  # looking changes nothing
    stranger.post(path_in(mails[0]))
    assert "a2@acme.example.com" in client.get("/account/").content.decode()
    assert login_post(client_at("acme.localhost"), "a2@acme.example.com").status_code == 302


def test_unverified_owner_sees_a_banner_and_cannot_let_anyone_in(unverified: Client) -> None:
    assert "Confirm your e-mail address" in unverified.get("/").content.decode()
    invited = unverified.post("/settings/team/invite/", {"email": "n@x.example", "role": "agent"})
    made = unverified.post("/settings/keys/create/", {"name": "k", "scopes": ["team:read"]})
    assert (invited.status_code, made.status_code) == (422, 422)
    assert "Confirm your e-mail address first" in invited.content.decode()
    assert "Confirm your e-mail address first" in made.content.decode()
    body = {"email": "n@x.example", "role": "agent"}
    assert unverified.post("/api/v1/invitations", body, "application/json").status_code == 403


def test_verification_link_lifts_the_banner(unverified: Client) -> None:
    with sent() as mails:
        unverified.post("/account/verify/")
    unverified.post(path_in(mails[0]))
    assert "Confirm your e-mail" not in unverified.get("/").content.decode()
    assert unverified.get(path_in(mails[0])).status_code == 404


def test_forgotten_answers_members_and_strangers_alike(
    acme: TenantContext, globex: TenantContext
) -> None:
    client = client_at("acme.localhost")
    pages = []
    for email in ("agent@acme.example.com", "nobody@acme.example.com", "agent@globex.example.com"):
        answer = client.post("/password/forgotten/", {"email": email})
        assert answer.status_code == 200
        pages.append(answer.content.decode().split("<main")[1].split("</main>")[0])
    assert len(set(pages)) == 1


def test_forgotten_password_is_replaced_and_signs_nobody_in(acme: TenantContext) -> None:
    client = client_at("acme.localhost")
    with sent() as mails:
        client.post("/password/forgotten/", {"email": "agent@acme.example.com"})
    path = path_in(mails[0])
    assert client.post(path, {"password": "short"}).status_code == 422
    assert client.post(path, {"password": NEW})["Location"] == "/login/"
    assert "_auth_user_id" not in client.session
    assert client.get(path).status_code == 404
    assert login_post(client, "agent@acme.example.com", NEW).status_code == 302


def test_links_never_follow_a_host_header(acme: TenantContext) -> None:
    client = client_at("acme.localhost:9999")
    with sent() as mails:
        client.post(
            "/password/forgotten/",
            {"email": "agent@acme.example.com"},
            headers={"x-forwarded-host": "evil.example"},
        )
    assert "http://acme.localhost:8000/" in mails[0].body
    assert "evil" not in mails[0].body
