"""Signing in at an identity provider: whom its word lets in, and what is no word of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from pytest_httpserver import HTTPServer

from core import tenancy
from core.tenancy import TenantContext
from tenants import services, throttle
from tenants.models import Person
from tenants.types import Role
from tests.tenants.accounts.devices import App
from tests.tenants.accounts.provider import Provider
from tests.tenants.test_views_session import client_at

EMAIL = "agent@acme.example.com"


@pytest.fixture
def provider(acme: TenantContext, httpserver: HTTPServer, settings: Any) -> Iterator[Provider]:
    """Return the provider of the installation, which knows acme's agent."""
    found = Provider(httpserver, EMAIL)
    settings.SOCIALACCOUNT_PROVIDERS = found.settings
    _attempts_forget(acme)
    yield found
    _attempts_forget(acme)


def _attempts_forget(acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        throttle.attempts_forget(kind="sso-address", subject="127.0.0.1")


def signed_in(provider: Provider, client: Client, path: str = "/login/sso/") -> Any:
    """Go to the provider and come back."""
    return client.get(provider.authorize(client.get(path)["Location"]))


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_member_signs_in_and_returns_to_the_page(provider: Provider) -> None:
    client = client_at("acme.localhost")
    assert "Sign in with Initech ID" in client.get("/login/").content.decode()
    answer = signed_in(provider, client, "/login/sso/?next=/settings/team/")
    assert answer["Location"] == "/settings/team/"
    assert client.get("/settings/team/").status_code == 200
    assert provider.asked["redirect_uri"] == "http://acme.localhost/login/sso/callback/"
    assert provider.asked["code_challenge_method"] == "S256"


def test_sign_in_makes_no_account_and_one_link(provider: Provider) -> None:
    before = Person.objects.count()
    for _ in range(2):
        client = client_at("acme.localhost")
        signed_in(provider, client)
        assert is_in(client)
    assert Person.objects.count() == before
    assert SocialAccount.objects.get().user.email == EMAIL


@pytest.mark.parametrize(
    "email", ["stranger@acme.example.com", "agent@globex.example.com", "", None]
)
def test_who_is_no_member_stays_out(
    provider: Provider, globex: TenantContext, email: str | None
) -> None:
    provider.claims = {"email": email}
    client, before = client_at("acme.localhost"), Person.objects.count()
    assert signed_in(provider, client)["Location"] == "/login/"
    assert "does not open this workspace" in client.get("/login/").content.decode()
    assert (is_in(client), Person.objects.count()) == (False, before)
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody-else"},
        {"aud": ["frontdesk", "somebody-else"], "azp": "somebody-else"},
        {"iss": "https://other.example"},
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"sub": None},
    ],
    ids=str,
)
def test_word_that_is_not_for_this_sign_in_opens_nothing(
    provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    client = client_at("acme.localhost")
    assert signed_in(provider, client)["Location"] == "/login/"
    assert not is_in(client)


@pytest.mark.parametrize(
    "fault", ["state", "signature", "algorithm", "kid", "id_token", "access_token"]
)
def test_fault_of_the_provider_opens_nothing(provider: Provider, fault: str) -> None:
    provider.faults = {fault}
    client = client_at("acme.localhost")
    assert signed_in(provider, client)["Location"] == "/login/"
    assert not is_in(client)
    assert "did not work" in client.get("/login/").content.decode()


@pytest.mark.parametrize("fault", ["issuer", "discovery"])
def test_discovery_of_another_issuer_leads_nowhere(provider: Provider, fault: str) -> None:
    provider.faults = {fault}
    client = client_at("acme.localhost")
    assert client.get("/login/sso/")["Location"] == "/login/"
    assert "does not answer" in client.get("/login/").content.decode()


def test_answer_is_good_once_and_in_its_own_browser(provider: Provider) -> None:
    client, other = client_at("acme.localhost"), client_at("acme.localhost")
    path = provider.authorize(client.get("/login/sso/")["Location"])
    other.get(path)
    assert not is_in(other)
    client.get(path)
    assert is_in(client)
    client.post("/logout/")
    client.get(path)
    assert not is_in(client)


def test_second_step_is_asked_after_the_provider(
    provider: Provider, acme: TenantContext, people: dict[Any, Any]
) -> None:
    person = Person.objects.get(pk=people["acme", "agent"].pk)
    throttle.person_attempts_forget(kind="second-factor", person_id=person.pk)
    with tenancy.tenant_scope(acme):
        app = App.of(person)
    client = client_at("acme.localhost")
    assert signed_in(provider, client)["Location"] == "/login/second-step/"
    assert not is_in(client)
    client.post("/login/second-step/", {"code": app.code()})
    assert is_in(client)


def test_unproved_address_here_is_not_enough(provider: Provider, people: dict[Any, Any]) -> None:
    EmailAddress.objects.filter(user=people["acme", "agent"]).update(verified=False)
    client = client_at("acme.localhost")
    signed_in(provider, client)
    assert not is_in(client)


def test_address_given_to_somebody_else_opens_no_account(provider: Provider) -> None:
    signed_in(provider, client_at("acme.localhost"))
    provider.sub = "subject-2"
    client = client_at("acme.localhost")
    signed_in(provider, client)
    assert not is_in(client)


def test_link_opens_only_workspaces_of_its_person(
    provider: Provider, globex: TenantContext, people: dict[Any, Any]
) -> None:
    signed_in(provider, client_at("acme.localhost"))
    client = client_at("globex.localhost")
    signed_in(provider, client)
    assert not is_in(client)
    with tenancy.tenant_scope(globex):
        person = Person.objects.get(pk=people["acme", "agent"].pk)
        services.member_add(person=person, role=Role.VIEWER)
    signed_in(provider, client)
    assert is_in(client)


@pytest.mark.parametrize("path", ["/login/sso/", "/login/sso/callback/?code=x&state=y"])
def test_without_a_provider_there_is_no_such_page(acme: TenantContext, path: str) -> None:
    assert client_at("acme.localhost").get(path).status_code == 404
