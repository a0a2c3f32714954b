"""Home and settings of a workspace: what each role sees and may do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import tenancy
from core.tenancy import TenantContext
from tenants import selectors, services
from tenants.types import Role

SignIn = Callable[..., Client]
PAGES = ["/", "/account/", "/settings/widget/", "/settings/team/", "/settings/keys/"]
ADMIN_ONLY = {"/settings/widget/", "/settings/keys/"}


@pytest.mark.parametrize("path", PAGES)
def test_page_sends_strangers_to_sign_in(sign_in: SignIn, path: str) -> None:
    answer = sign_in(role=None).get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/?next=")


@pytest.mark.parametrize("role", ["owner", "admin", "agent", "viewer"])
@pytest.mark.parametrize("path", PAGES)
def test_page_is_seen_by_roles_with_its_scope(sign_in: SignIn, path: str, role: str) -> None:
    is_allowed = path not in ADMIN_ONLY or role in {"owner", "admin"}
    assert sign_in(role=role).get(path).status_code == (200 if is_allowed else 403)


@pytest.mark.parametrize(
    "path",
    [
        "/settings/team/invite/",
        "/settings/team/00000000-0000-7000-8000-000000000000/role/",
        "/settings/team/00000000-0000-7000-8000-000000000000/remove/",
        "/settings/keys/create/",
        "/settings/keys/00000000-0000-7000-8000-000000000000/revoke/",
    ],
)
@pytest.mark.parametrize("role", ["agent", "viewer"])
def test_change_needs_the_write_scope(sign_in: SignIn, path: str, role: str) -> None:
    assert sign_in(role=role).post(path).status_code == 403


@pytest.mark.parametrize(("role", "path"), [("admin", "widget"), ("viewer", "team")])
def test_settings_leads_to_the_first_allowed_page(sign_in: SignIn, role: str, path: str) -> None:
    assert sign_in(role=role).get("/settings/")["Location"] == f"/settings/{path}/"


def test_page_has_no_inline_script_or_style_and_a_strict_policy(sign_in: SignIn) -> None:
    client = sign_in()
    for path in PAGES:
        answer = client.get(path)
        page = answer.content.decode()
        assert "unsafe-inline" not in answer["Content-Security-Policy"]
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", page), path
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"", page), path


@pytest.mark.parametrize("members", [0, 3])
def test_page_query_count_does_not_grow_with_rows(
    sign_in: SignIn, in_acme: TenantContext, members: int
) -> None:
    client = sign_in()
    for number in range(members):
        person = services.person_create(
            email=f"colleague{number}@acme.example.com", password="correct horse 42"
        )
        services.member_add(person=person, role=Role.AGENT)
        services.api_key_create(name=f"key {number}", scopes=["team:read"])
    for path in ("/settings/team/", "/settings/keys/"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(path).status_code == 200
        statements = [q["sql"] for q in queries if q["sql"].startswith(("SELECT", "UPDATE"))]
        assert len(statements) <= 6, statements


def test_home_makes_few_queries(sign_in: SignIn, in_acme: TenantContext) -> None:
    client = sign_in()
    client.get("/")
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/").status_code == 200
    statements = [q["sql"] for q in queries if q["sql"].startswith(("SELECT", "WITH"))]
    assert len(statements) <= 11, statements


# --- team


def role_of(slug: str, role: str, people: dict[Any, Any]) -> str | None:
    found = selectors.membership_for(person_id=people[slug, role].pk)
    return found.role if found else None


def test_team_role_changes(sign_in: SignIn, in_acme: TenantContext, people: dict[Any, Any]) -> None:
    path = f"/settings/team/{people['acme', 'viewer'].pk}/role/"
    sign_in().post(path, {"role": "agent"})
    assert role_of("acme", "viewer", people) == "agent"


@pytest.mark.parametrize("act", ["role", "remove"])
def test_team_keeps_its_last_owner(
    sign_in: SignIn, in_acme: TenantContext, people: dict[Any, Any], act: str
) -> None:
    path = f"/settings/team/{people['acme', 'owner'].pk}/{act}/"
    page = sign_in().post(path, {"role": "viewer"}, follow=True).content.decode()
    assert "needs an owner" in page
    assert role_of("acme", "owner", people) == "owner"


@pytest.mark.parametrize(("person", "act"), [("owner", "remove"), ("admin", "role")])
def test_team_admin_can_neither_remove_nor_become_an_owner(
    sign_in: SignIn, in_acme: TenantContext, people: dict[Any, Any], person: str, act: str
) -> None:
    path = f"/settings/team/{people['acme', person].pk}/{act}/"
    page = sign_in(role="admin").post(path, {"role": "owner"}, follow=True).content.decode()
    assert "Only an owner" in page
    assert role_of("acme", person, people) == person


def test_team_remove_closes_the_workspace_to_them(
    sign_in: SignIn, in_acme: TenantContext, people: dict[Any, Any]
) -> None:
    agent = sign_in(role="agent")
    sign_in().post(f"/settings/team/{people['acme', 'agent'].pk}/remove/")
    assert agent.get("/").status_code == 302


def test_team_of_another_workspace_is_out_of_reach(
    sign_in: SignIn, globex: TenantContext, people: dict[Any, Any]
) -> None:
    client = sign_in()
    assert "globex" not in client.get("/settings/team/").content.decode()
    person = people["globex", "viewer"]
    client.post(f"/settings/team/{person.pk}/role/", {"role": "admin"})
    client.post(f"/settings/team/{person.pk}/remove/")
    with tenancy.tenant_scope(globex):
        assert role_of("globex", "viewer", people) == "viewer"


# --- API keys


def test_key_create_shows_the_secret_once(sign_in: SignIn, in_acme: TenantContext) -> None:
    client = sign_in()
    form = {"name": "Sync", "lifetime": "30", "scopes": ["commerce:read"]}
    page = client.post("/settings/keys/create/", form).content.decode()
    found = re.search(r'id="new-key">([^<]+)<', page)
    assert found
    assert services.api_key_verify(secret=found[1]).scopes == ["commerce:read"]
    assert found[1] not in client.get("/settings/keys/").content.decode()


def test_key_create_needs_a_name_and_a_permission(sign_in: SignIn) -> None:
    answer = sign_in().post("/settings/keys/create/", {"name": "", "scopes": []})
    assert answer.status_code == 422
    assert "at least one permission" in answer.content.decode()


def test_key_revoke_reaches_only_ones_own_keys(
    sign_in: SignIn, acme: TenantContext, globex: TenantContext
) -> None:
    secrets = {}
    for tenant in (acme, globex):
        with tenancy.tenant_scope(tenant):
            secrets[tenant.slug] = services.api_key_create(name="k", scopes=["team:read"])
    client = sign_in()
    for made in secrets.values():
        client.post(f"/settings/keys/{made.id}/revoke/")
    with tenancy.tenant_scope(globex):
        assert services.api_key_verify(secret=secrets["globex"].secret)
        assert selectors.api_key_list().filter(revoked_at=None).count() == 1
    with tenancy.tenant_scope(acme):
        assert selectors.api_key_list().filter(revoked_at=None).count() == 0


# --- navigation


@pytest.mark.parametrize("role", ["owner", "viewer"])
def test_navigation_holds_only_what_the_role_may_open(sign_in: SignIn, role: str) -> None:
    client = sign_in(role=role)
    sidebar = re.findall(r'class="nav-link"\s+href="([^"]+)"', client.get("/").content.decode())
    assert "/" in sidebar
    assert ("/billing/" in sidebar) <= (role == "owner")
    for path in sidebar:
        assert client.get(path, follow=True).status_code == 200, path


def test_navigation_marks_where_one_is(sign_in: SignIn) -> None:
    page = sign_in().get("/settings/team/").content.decode()
    assert re.search(r'href="/settings/"\s+aria-current="page"', page)
