"""Inviting on the team page, joining by the mail's link, and the same over REST."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import tenancy
from core.tenancy import TenantContext
from tenants import invitations, selectors, throttle
from tenants.types import Role
from tests.tenants.mails import path_in, sent
from tests.tenants.test_views_session import client_at

SignIn = Callable[..., Client]
EMAIL = "new@acme.example.com"


@pytest.fixture(autouse=True)
def fresh_count(acme: TenantContext, people: dict[Any, Any]) -> Iterator[None]:
    yield
    person = people["globex", "agent"]
    throttle.person_attempts_forget(kind="password", person_id=person.pk)


def invited(client: Client, email: str = EMAIL, role: str = "agent") -> str:
    """Invite someone and return where their mail leads."""
    with sent() as mails:
        answer = client.post("/settings/team/invite/", {"email": email, "role": role})
    assert answer.status_code == 302, answer.content.decode()
    return path_in(mails[0])


def test_invite_lists_the_invitation_until_it_is_accepted(sign_in: SignIn) -> None:
    owner = sign_in()
    path = invited(owner)
    assert EMAIL in owner.get("/settings/team/").content.decode()
    guest = client_at("acme.localhost")
    answer = guest.post(path, {"full_name": "Nia New", "password": "a longer sentence 7"})
    assert answer["Location"] == "/"
    assert guest.get("/").status_code == 200
    page = owner.get("/settings/team/").content.decode()
    assert "Nia New" in page
    assert "Open invitations" not in page


@pytest.mark.parametrize(
    ("email", "role", "sentence"),
    [
        ("viewer@acme.example.com", "agent", "member of the workspace already"),
        ("o@acme.example.com", "owner", "Only an owner"),
        ("no address", "agent", "valid email"),
    ],
)
def test_invite_says_what_is_wrong(sign_in: SignIn, email: str, role: str, sentence: str) -> None:
    form = {"email": email, "role": role}
    answer = sign_in(role="admin").post("/settings/team/invite/", form)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_existing_person_joins_with_their_own_password(
    sign_in: SignIn, globex: TenantContext, people: dict[Any, Any]
) -> None:
    path = invited(sign_in(), "agent@globex.example.com")
    guest = client_at("acme.localhost")
    page = guest.get(path).content.decode()
    assert "has a Frontdesk account" in page
    assert "full_name" not in page
    wrong = guest.post(path, {"password": "wrong horse 42"})
    assert (wrong.status_code, "_auth_user_id" in guest.session) == (422, False)
    assert guest.post(path, {"password": "correct horse 42"})["Location"] == "/"
    assert guest.get("/settings/team/").status_code == 200
    assert people["globex", "agent"].check_password("correct horse 42")


def test_send_again_and_revoke(sign_in: SignIn, in_acme: TenantContext) -> None:
    owner = sign_in()
    first = invited(owner)
    pk = selectors.invitation_list().get().pk
    with sent() as mails:
        owner.post(f"/settings/team/invitations/{pk}/send/")
    second = path_in(mails[0])
    guest = client_at("acme.localhost")
    assert [guest.get(path).status_code for path in (first, second)] == [404, 200]
    owner.post(f"/settings/team/invitations/{pk}/revoke/")
    assert guest.get(second).status_code == 404
    assert "no longer works" in owner.get("/settings/team/").content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_team_page_query_count_does_not_grow_with_invitations(
    sign_in: SignIn, in_acme: TenantContext, count: int
) -> None:
    client = sign_in()
    for number in range(count):
        invitations.invitation_create(
            actor=None, email=f"n{number}@acme.example.com", role=Role.AGENT
        )
    with CaptureQueriesContext(connection) as queries:
        client.get("/settings/team/")
    statements = [q["sql"] for q in queries if q["sql"].startswith(("SELECT", "UPDATE"))]
    assert len(statements) <= 6, statements


def test_rest_invites_lists_and_revokes(
    sign_in: SignIn, api_key: Any, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(globex):
        invitations.invitation_create(actor=None, email="x@globex.example.com", role=Role.AGENT)
    key = api_key("acme", "team:read", "team:write")
    client = Client(headers={"host": "acme.localhost", "authorization": f"Bearer {key}"})
    body = {"email": EMAIL, "role": "agent"}
    with sent() as mails:
        made = client.post("/api/v1/invitations", body, "application/json")
    assert (made.status_code, made.json()["state"]) == (201, "open")
    assert path_in(mails[0]).split("/")[2] not in made.content.decode()
    again = client.post("/api/v1/invitations", body, "application/json")
    assert (again.status_code, again.json()["code"]) == (409, "invitation_open")
    owner = client.post("/api/v1/invitations", {**body, "role": "owner"}, "application/json")
    assert (owner.status_code, owner.json()["code"]) == (403, "role_too_high")
    assert [found["email"] for found in client.get("/api/v1/invitations").json()["results"]] == [
        EMAIL
    ]
    assert client.delete(f"/api/v1/invitations/{made.json()['id']}").status_code == 204
    assert client.get("/api/v1/invitations").json()["results"][0]["state"] == "revoked"
