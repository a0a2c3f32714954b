"""The second step of signing in, on workspaces' hosts and in the admin."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from core import tenancy
from core.tenancy import TenantContext
from tenants import services, throttle
from tenants.accounts import factors
from tenants.models import Person
from tenants.types import Role
from tests.tenants.accounts.devices import App, SoftPasskey
from tests.tenants.test_views_session import PASSWORD, client_at, login_post

SignIn = Callable[..., Client]
EMAIL = "agent@acme.example.com"


@pytest.fixture
def person(acme: TenantContext, people: dict[Any, Any]) -> Iterator[Person]:
    found = Person.objects.get(pk=people["acme", "agent"].pk)
    for kind in ("second-factor", "password"):
        throttle.person_attempts_forget(kind=kind, person_id=found.pk)
    yield found
    for kind in ("second-factor", "password"):
        throttle.person_attempts_forget(kind=kind, person_id=found.pk)


@pytest.fixture
def app(person: Person, acme: TenantContext) -> App:
    """Return the agent's authenticator app, with two-step sign-in on."""
    with tenancy.tenant_scope(acme):
        return App.of(person)


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_password_alone_signs_nobody_in_who_has_a_second_step(app: App) -> None:
    client = client_at("acme.localhost")
    answer = login_post(client, EMAIL, next="/settings/team/")
    assert answer["Location"] == "/login/second-step/"
    assert not is_signed_in(client)
    assert client.get("/").status_code == 302
    wrong = client.post("/login/second-step/", {"code": "000000"})
    assert wrong.status_code == 422
    assert "wrong or was used already" in wrong.content.decode()
    assert not is_signed_in(client)
    right = client.post("/login/second-step/", {"code": app.code()})
    assert right["Location"] == "/settings/team/"
    assert client.get("/settings/team/").status_code == 200


def test_recovery_code_signs_in(app: App) -> None:
    client = client_at("acme.localhost")
    login_post(client, EMAIL)
    client.post("/login/second-step/", {"code": app.recovery_codes[3]})
    assert is_signed_in(client)


def test_second_step_without_the_first_leads_back(app: App) -> None:
    client = client_at("acme.localhost")
    for answer in (
        client.get("/login/second-step/"),
        client.post("/login/second-step/", {"code": app.code()}),
    ):
        assert answer["Location"] == "/login/"
    assert not is_signed_in(client)


def test_first_step_on_one_host_is_none_on_another(
    app: App, person: Person, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(globex):
        services.member_add(person=person, role=Role.AGENT)
    client = client_at("acme.localhost")
    login_post(client, EMAIL)
    answer = client.post(
        "/login/second-step/", {"code": app.code()}, headers={"host": "globex.localhost"}
    )
    assert answer["Location"] == "/login/"
    assert not is_signed_in(client)


def test_who_was_removed_between_the_steps_stays_out(
    app: App, person: Person, acme: TenantContext
) -> None:
    client = client_at("acme.localhost")
    login_post(client, EMAIL)
    with tenancy.tenant_scope(acme):
        person.memberships.all().delete()
    assert client.post("/login/second-step/", {"code": app.code()})["Location"] == "/login/"
    assert not is_signed_in(client)


def test_ticket_of_a_sign_up_asks_for_the_second_step_too(
    app: App, person: Person, acme: TenantContext
) -> None:
    with tenancy.tenant_scope(acme):
        ticket = services.login_ticket_create(person_id=person.pk)
    client = client_at("acme.localhost")
    assert client.get(f"/login/ticket/{ticket}/")["Location"] == "/login/second-step/"
    assert not is_signed_in(client)


# --- the account's page


def test_app_is_set_up_with_password_and_code(sign_in: SignIn, person: Person) -> None:
    client = sign_in(role="agent")
    page = client.get("/account/security/app/").content.decode()
    found = re.search(r'id="app-secret">([A-Z2-7]{32})<', page)
    assert found
    app = App(found[1])
    path = "/account/security/app/"
    wrong = client.post(path, {"code": app.code(), "current": "wrong"})
    assert (wrong.status_code, factors.second_factor_is_on(person=person)) == (422, False)
    assert found[1] in wrong.content.decode()  # the app that was scanned goes on working
    done = client.post(path, {"code": app.code(), "current": PASSWORD})
    assert done.status_code == 200
    codes = re.findall(r"\b\d{8}\b", done.content.decode())
    assert len(codes) == 10
    assert codes[0] not in client.get("/account/security/").content.decode()
    assert factors.second_factor_is_on(person=person)


def test_turning_off_and_new_codes_ask_for_the_password(
    sign_in: SignIn, app: App, person: Person
) -> None:
    client = sign_in(role="agent")
    for path in ("off/", "recovery-codes/"):
        client.post(f"/account/security/{path}", {"current": "wrong horse 42"})
        client.post(f"/account/security/{path}", {})
    assert factors.factors_for(person=person).recovery_codes_left == 10
    page = client.post("/account/security/recovery-codes/", {"current": PASSWORD})
    assert app.recovery_codes[0] not in page.content.decode()
    client.post("/account/security/off/", {"current": PASSWORD})
    assert not factors.second_factor_is_on(person=person)


# --- passkeys


def options_in(page: str, attribute: str) -> dict[str, Any]:
    found = re.search(rf'{attribute}="([^"]+)"', page)
    assert found
    options: dict[str, Any] = json.loads(unescape(found[1]))
    return options


def passkey_added(client: Client, passkey: SoftPasskey, password: str = PASSWORD) -> Any:
    page = client.get("/account/security/passkeys/").content.decode()
    credential = passkey.create(options_in(page, "data-passkey-create"))
    form = {"name": "Laptop", "current": password, "credential": json.dumps(credential)}
    return client.post("/account/security/passkeys/", form)


def test_passkey_needs_an_app_first(sign_in: SignIn, person: Person) -> None:
    client = sign_in(role="agent")
    assert client.get("/account/security/passkeys/")["Location"] == "/account/security/"


def test_passkey_is_the_second_step(sign_in: SignIn, app: App) -> None:
    passkey = SoftPasskey()
    assert passkey_added(sign_in(role="agent"), passkey).status_code == 302
    client = client_at("acme.localhost")
    login_post(client, EMAIL)
    page = client.get("/login/second-step/").content.decode()
    options = options_in(page, "data-passkey-get")
    assert options["publicKey"]["rpId"] == "acme.localhost"
    client.post("/login/second-step/", {"credential": json.dumps(passkey.get(options))})
    assert is_signed_in(client)


def test_passkey_is_both_steps_in_one(sign_in: SignIn, app: App) -> None:
    passkey = SoftPasskey()
    passkey_added(sign_in(role="agent"), passkey)
    client = client_at("acme.localhost")
    options = client.get("/login/passkey/").json()
    credential = json.dumps(passkey.get(options))
    answer = client.post("/login/passkey/", {"credential": credential, "next": "/inbox/"})
    assert answer["Location"] == "/inbox/"
    assert is_signed_in(client)
    replayed = client_at("acme.localhost")
    replayed.get("/login/passkey/")
    replayed.post("/login/passkey/", {"credential": credential})
    assert not is_signed_in(replayed)


def test_passkey_with_another_signature_signs_nobody_in(sign_in: SignIn, app: App) -> None:
    passkey, thief = SoftPasskey(), SoftPasskey()
    passkey_added(sign_in(role="agent"), passkey)
    thief.id, thief.user_handle = passkey.id, passkey.user_handle
    client = client_at("acme.localhost")
    options = client.get("/login/passkey/").json()
    client.post("/login/passkey/", {"credential": json.dumps(thief.get(options))})
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    "credential", ["", "{}", "[]", "7", "nonsense", '{"id": 1}', '{"id": "YQ", "rawId": "YQ"}']
)
def test_passkey_that_is_none_signs_nobody_in(acme: TenantContext, credential: str) -> None:
    client = client_at("acme.localhost")
    client.get("/login/passkey/")
    answer = client.post("/login/passkey/", {"credential": credential})
    assert answer["Location"] == "/login/"
    assert not is_signed_in(client)


def test_passkey_of_one_host_opens_no_other(
    sign_in: SignIn, app: App, person: Person, globex: TenantContext
) -> None:
    passkey = SoftPasskey()
    passkey_added(sign_in(role="agent"), passkey)
    with tenancy.tenant_scope(globex):
        services.member_add(person=person, role=Role.AGENT)
    client = client_at("globex.localhost")
    options = client.get("/login/passkey/").json()
    client.post("/login/passkey/", {"credential": json.dumps(passkey.get(options))})
    assert not is_signed_in(client)


def test_passkey_of_who_is_no_member_opens_nothing(
    sign_in: SignIn, app: App, person: Person, acme: TenantContext
) -> None:
    passkey = SoftPasskey()
    passkey_added(sign_in(role="agent"), passkey)
    with tenancy.tenant_scope(acme):
        person.memberships.all().delete()
    client = client_at("acme.localhost")
    options = client.get("/login/passkey/").json()
    answer = client.post("/login/passkey/", {"credential": json.dumps(passkey.get(options))})
    assert answer["Location"] == "/login/"
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    ("passkey", "password"),
    [
        (SoftPasskey("evil.localhost"), PASSWORD),
        (SoftPasskey(verifies=False), PASSWORD),
        (SoftPasskey(), "wrong horse 42"),
    ],
    ids=["another host's", "without PIN or finger", "without the password"],
)
def test_passkey_that_may_not_be_added(
    sign_in: SignIn, app: App, person: Person, passkey: SoftPasskey, password: str
) -> None:
    answer = passkey_added(sign_in(role="agent"), passkey, password)
    assert answer.status_code == 422
    assert factors.factors_for(person=person).passkeys == ()


def test_passkey_remove_reaches_only_ones_own(
    sign_in: SignIn, app: App, person: Person, people: dict[Any, Any]
) -> None:
    passkey_added(sign_in(role="agent"), SoftPasskey())
    pk = factors.factors_for(person=person).passkeys[0].id
    form = {"passkey": str(pk), "current": PASSWORD}
    sign_in(role="admin").post("/account/security/passkeys/remove/", form)
    assert Authenticator.objects.filter(pk=pk).exists()
    sign_in(role="agent").post("/account/security/passkeys/remove/", form)
    assert not Authenticator.objects.filter(pk=pk).exists()


# --- the platform's admin


def test_admin_asks_for_the_second_step_too(world: Any, db: None) -> None:
    with tenancy.platform_scope():
        admin = services.person_create(
            email="root@example.com",
            password=PASSWORD,
            is_staff=True,
            is_superuser=True,
            is_verified=True,
        )
        app = App.of(admin)
    client = client_at("localhost")
    form = {"username": "root@example.com", "password": PASSWORD, "next": "/admin/"}
    answer = client.post("/admin/login/", form)
    assert answer["Location"] == "/admin/login/second-step/"
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    assert client.get("/admin/login/second-step/").status_code == 200
    answer = client.post("/admin/login/second-step/", {"code": app.code()})
    assert answer["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/security/").status_code == 200


def test_admins_own_pages_are_for_administrators(world: Any, db: None) -> None:
    client = client_at("localhost")
    answer = client.get("/admin/security/app/")
    assert answer["Location"] == "/admin/login/?next=%2Fadmin%2Fsecurity%2Fapp%2F"
    for _ in range(11):
        answer = client.post("/admin/login/", {"username": "a@b.example", "password": "x"})
    assert "Too many attempts" in client.get("/admin/login/").content.decode()
    with tenancy.public_scope():
        throttle.attempts_forget(kind="login-address", subject="127.0.0.1")
        throttle.attempts_forget(kind="login", subject="a@b.example")
