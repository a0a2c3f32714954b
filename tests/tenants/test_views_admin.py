"""The platform's admin: on its own host, for administrators, never with secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin import site
from django.test import Client, RequestFactory
from django.utils import timezone

from core import tenancy
from core.admin import AuditedAdmin
from core.audit.models import AuditEntry
from core.audit.types import PLATFORM_CHAIN
from core.events.models import DeadLetter, Delivery
from core.tenancy import TenantContext
from tenants import services, throttle
from tenants.accounts import factors
from tenants.models import Person, Tenant
from tenants.sessions import sign_out_record
from tests.architecture.test_structure import OURS
from tests.tenants.accounts.devices import App

PASSWORD = "correct horse 42"
PAGES = [
    "/admin/",
    "/admin/tenants/tenant/",
    "/admin/tenants/tenant/?q=acme",
    "/admin/tenants/domain/",
    "/admin/tenants/person/",
    "/admin/tenants/person/add/",
    "/admin/tenants/membership/",
    "/admin/tenants/apikey/",
    "/admin/tenants/flag/",
    "/admin/tenants/flagoverride/",
    "/admin/tenants/flagoverride/add/",
    "/admin/tenants/flagchange/",
    "/admin/tenants/workspacesetting/",
    "/admin/tenants/settingchange/",
    "/admin/tenants/degradeswitch/",
    "/admin/tenants/degradeswitch/add/",
    "/admin/core/outboxevent/",
    "/admin/core/delivery/",
    "/admin/core/deadletter/",
    "/admin/core/eventreplay/",
    "/admin/core/auditentry/",
    "/admin/core/auditcheckpoint/",
]


@pytest.fixture
def admin(db: None, world: Any) -> Client:
    with tenancy.platform_scope():
        services.person_create(
            email="platform@example.com", password=PASSWORD, is_staff=True, is_superuser=True
        )
    client = Client(headers={"host": "localhost"})
    form = {"username": "platform@example.com", "password": PASSWORD}
    assert client.post("/admin/login/", form).status_code == 302
    return client


@pytest.mark.parametrize("path", PAGES)
def test_admin_page_renders(admin: Client, path: str) -> None:
    assert admin.get(path).status_code == 200


def test_admin_searches_tenants_by_a_member(admin: Client) -> None:
    page = admin.get("/admin/tenants/tenant/", {"q": "viewer@globex"}).content.decode()
    assert "globex" in page
    assert "acme" not in page


def test_admin_suspends_a_workspace(admin: Client, acme: TenantContext) -> None:
    with tenancy.platform_scope():
        tenant = Tenant.objects.get(pk=acme.id)
        form = {"name": tenant.name, "status": "suspended", "plan": "trial", "limits": "{}"}
    for prefix in ("domains", "memberships"):
        form |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    answer = admin.post(f"/admin/tenants/tenant/{acme.id}/change/", form)
    assert answer.status_code == 302, answer.content.decode()
    with tenancy.platform_scope():
        assert Tenant.objects.get(pk=acme.id).status == "suspended"
        changed = AuditEntry.objects.filter(act="admin.changed").order_by("id")
        assert {entry.tenant_id for entry in changed} == {PLATFORM_CHAIN, acme.id}
        assert all('"Status"' in entry.data for entry in changed)
        assert {entry.actor_kind for entry in changed} == {"platform"}


def test_admin_shows_no_secret_of_a_key(admin: Client, acme: TenantContext, api_key: Any) -> None:
    secret = api_key("acme", "team:read")
    with tenancy.tenant_scope(acme):
        key = services.api_key_verify(secret=secret)
    with tenancy.platform_scope():
        page = admin.get(f"/admin/tenants/apikey/{key.pk}/change/").content.decode()
    assert key.secret_hash not in page
    assert secret not in page


def test_session_of_a_workspace_is_none_in_the_admin(
    acme: TenantContext, people: dict[Any, Any], sign_in: Any
) -> None:
    Person.objects.filter(pk=people["acme", "owner"].pk).update(is_staff=True)
    client = sign_in()
    assert client.get("/").status_code == 200
    answer = client.get("/admin/security/", headers={"host": "localhost"})
    assert answer["Location"].startswith("/admin/login/")


@pytest.mark.parametrize(
    "path", ["mfa/authenticator/", "account/emailaddress/", "socialaccount/socialapp/"]
)
def test_admin_has_no_pages_of_allauth(admin: Client, path: str) -> None:
    assert admin.get(f"/admin/{path}").status_code == 404


def test_admin_turns_a_second_step_off(
    admin: Client, acme: TenantContext, people: dict[Any, Any]
) -> None:
    person = people["acme", "agent"]
    throttle.person_attempts_forget(kind="second-factor", person_id=person.pk)
    with tenancy.platform_scope():
        App.of(person)
    form = {"action": "second_factor_off", "_selected_action": str(person.pk)}
    assert admin.post("/admin/tenants/person/", form).status_code == 302
    with tenancy.platform_scope():
        assert not factors.second_factor_is_on(person=person)


@pytest.mark.parametrize("host", ["acme.localhost", "globex.localhost"])
def test_admin_is_not_on_a_workspace_host(world: Any, db: None, host: str) -> None:
    assert Client(headers={"host": host}).get("/admin/").status_code == 404


def test_admin_refuses_members_who_are_not_administrators(world: Any, db: None) -> None:
    client = Client(headers={"host": "localhost"})
    form = {"username": "owner@acme.example.com", "password": PASSWORD}
    assert client.post("/admin/login/", form).status_code == 200
    assert client.get("/admin/").status_code == 302


def test_admin_alone_has_the_looser_policy(admin: Client) -> None:
    assert "unsafe-eval" in admin.get("/admin/")["Content-Security-Policy"]
    landing = admin.get("/")["Content-Security-Policy"]
    assert "unsafe" not in landing


def test_every_admin_page_is_audited() -> None:
    ours = [page for model, page in site._registry.items() if model._meta.app_label in OURS]
    assert ours
    assert [page for page in ours if not isinstance(page, AuditedAdmin)] == []


def test_action_on_dead_letters_is_recorded(admin: Client, acme: TenantContext) -> None:
    with tenancy.platform_scope():
        dead = DeadLetter.objects.create(
            state=Delivery.State.DEAD,
            tenant_id=acme.id,
            subscriber="test",
            event_seq=1,
            occurred_at=timezone.now(),
            next_attempt_at=timezone.now(),
        )
    form = {"action": "dead_letters_redrive", "_selected_action": [str(dead.pk)]}
    assert admin.post("/admin/core/deadletter/", form).status_code == 302
    with tenancy.platform_scope():
        entry = AuditEntry.objects.get(act="admin.action")
    assert json.loads(entry.data) == {"action": "dead_letters_redrive", "rows": [str(dead.pk)]}


def test_sign_in_of_the_platform_is_in_its_own_chain(admin: Client) -> None:
    with tenancy.platform_scope():
        entry = AuditEntry.objects.get(act="session.signed_in", actor_kind="platform")
    assert entry.tenant_id == PLATFORM_CHAIN


def test_session_that_ends_outside_the_admin_is_recorded(db: None, people: Any) -> None:
    """The landing page ends a session of another host, in no scope of the platform's."""
    person = people["acme", "owner"]
    with tenancy.public_scope():
        sign_out_record(None, request=RequestFactory().get("/"), user=person)
    with tenancy.platform_scope():
        entry = AuditEntry.objects.get(act="session.signed_out", actor_id=person.pk)
    assert entry.tenant_id == PLATFORM_CHAIN
