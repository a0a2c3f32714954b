"""The platform host: landing page, sign-up, the way to a workspace."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from core import tenancy
from core.tenancy import TenantContext
from tenants import services, throttle
from tenants.accounts import verification
from tenants.models import Person, Tenant

FORM = {
    "name": "Initech",
    "slug": "initech",
    "email": "bill@initech.example.com",
    "password": "a stapler of my own",
}


@pytest.fixture
def client(db: None) -> Client:
    return Client(headers={"host": "localhost"})


def sign_up(client: Client, **changes: str) -> Any:
    return client.post("/signup/", {**FORM, **changes})


def tenant_count() -> int:
    with tenancy.platform_scope():
        return int(Tenant.objects.count())


def test_landing_renders_for_strangers(client: Client, world: Any) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "/signup/" in page.content.decode()


def test_sign_up_opens_a_workspace_and_signs_its_owner_in(
    client: Client, world: Any, transactional_db: None
) -> None:
    answer = sign_up(client, slug="initech-one")
    assert answer.status_code == 302, answer.content.decode()
    url = urlsplit(answer["Location"])
    assert url.hostname == "initech-one.localhost"
    owner = Client(headers={"host": url.netloc})
    assert owner.get(url.path)["Location"] == "/"
    home = owner.get("/")
    assert home.status_code == 200
    assert "Welcome to Initech" in home.content.decode()


def test_sign_up_works_while_no_more_links_may_be_sent(
    client: Client, world: Any, transactional_db: None
) -> None:
    email = "bill2@initech.example.com"
    with tenancy.public_scope():
        person = services.person_create(email=email, password=FORM["password"])
        for _ in range(verification.MAILS_PER_HOUR):
            throttle.person_attempt_count(
                kind="verification",
                person_id=person.pk,
                limit=verification.MAILS_PER_HOUR,
                seconds=3600,
            )
    answer = sign_up(client, slug="initech-two", email=email)
    assert answer.status_code == 302, answer.content.decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"slug": "acme"}, "already in use"),
        ({"slug": "admin"}, "reserved"),
        ({"slug": "9lives"}, "starting with a letter"),
        ({"slug": "a b"}, "starting with a letter"),
        ({"slug": "x"}, "at least 3 characters"),
        ({"password": "short"}, "too short"),
        ({"password": "password123"}, "too common"),
        ({"email": "owner@acme.example.com"}, "enter its password"),
        ({"email": "not-an-address"}, "valid email"),
        ({"name": ""}, "required"),
    ],
)
def test_sign_up_says_what_is_wrong_and_creates_nothing(
    client: Client, world: Any, changes: dict[str, str], sentence: str
) -> None:
    before = tenant_count()
    answer = sign_up(client, **changes)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert tenant_count() == before
    assert not Person.objects.filter(email=FORM["email"]).exists()


def test_sign_up_is_no_way_to_guess_a_password(client: Client, world: Any) -> None:
    email = "viewer@globex.example.com"
    for _ in range(10):
        sign_up(client, email=email)
    page = sign_up(client, email=email, password="correct horse 42").content.decode()
    throttle.attempts_forget(kind="signup-account", subject=email)
    throttle.attempts_forget(kind="signup", subject="127.0.0.1")
    assert "Too many attempts" in page


def test_sign_up_never_repeats_the_password(client: Client, world: Any) -> None:
    assert FORM["password"] not in sign_up(client, slug="admin").content.decode()


@pytest.mark.parametrize(
    ("slug", "sentence"),
    [
        ("initech", "is free"),
        ("acme", "already in use"),
        ("www", "reserved"),
        ("-x", "starting with a letter"),
        ("<b>", "starting with a letter"),
    ],
)
def test_slug_state_tells_while_typing(
    client: Client, world: Any, slug: str, sentence: str
) -> None:
    page = client.get("/signup/slug/", {"slug": slug}).content.decode()
    assert sentence in page
    assert "<b>" not in page


def test_slug_state_is_silent_for_nothing(client: Client) -> None:
    assert client.get("/signup/slug/").content.strip() == b""


def test_login_leads_to_the_workspace(client: Client, acme: TenantContext) -> None:
    answer = client.post("/login/", {"slug": "ACME"})
    assert answer["Location"].endswith("//acme.localhost:8000/login/")


def test_login_knows_no_such_workspace(client: Client, acme: TenantContext) -> None:
    answer = client.post("/login/", {"slug": "nowhere"})
    assert answer.status_code == 422
    assert "no workspace at this address" in answer.content.decode()


def test_unknown_host_gets_a_page_that_says_so(client: Client, world: Any) -> None:
    answer = client.get("/", headers={"host": "nowhere.localhost", "accept": "text/html"})
    assert answer.status_code == 404
    assert "no workspace at this address" in answer.content.decode()
