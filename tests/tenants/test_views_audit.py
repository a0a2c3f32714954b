"""The audit log as a workspace sees it: page, filters, CSV, REST; never another workspace's."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import tenancy
from core.audit.models import AuditEntry
from core.audit.record import act_record
from core.audit.types import Act, Actor, ActorKind
from core.tenancy import TenantContext
from tenants import services, team
from tenants.models import Membership
from tenants.types import Role
from tests.conftest import World

SignIn = Callable[..., Client]
PAGE = "/settings/audit/"
API = "/api/v1/audit"


@pytest.fixture
def acted(world: World, acme: TenantContext, globex: TenantContext) -> str:
    """Make a key in acme and one in globex; returns acme's owner's name on the page."""
    for tenant, name in ((acme, "acme"), (globex, "globex")):
        with tenancy.tenant_scope(tenant):
            owner = Actor(ActorKind.PERSON, world.people[name, "owner"].pk, "192.0.2.0/24")
            act_record(act=Act.KEY_CREATED, data={"of": name}, actor=owner)
    return str(world.people["acme", "owner"].display_name)


def test_page_says_who_did_what(acted: str, sign_in: SignIn) -> None:
    body = sign_in().get(PAGE).content.decode()
    for words in ("API key created", acted, "of: acme", "192.0.2.0/24"):
        assert words in body


def test_page_shows_nothing_of_another_workspace(acted: str, sign_in: SignIn) -> None:
    client = sign_in()
    for path in (PAGE, f"{PAGE}export/", API):
        assert b"globex" not in client.get(path).content


@pytest.mark.parametrize("role", ["agent", "viewer"])
def test_page_is_for_owners_and_admins(acted: str, sign_in: SignIn, role: str) -> None:
    client = sign_in(role=role)
    for path in (PAGE, f"{PAGE}export/", API):
        assert client.get(path).status_code == 403
    assert b"Audit log" not in client.get("/settings/team/").content


def test_page_filters_by_act_person_and_day(world: World, acted: str, sign_in: SignIn) -> None:
    client = sign_in()
    owner = world.people["acme", "owner"].pk
    today = timezone.now().date()
    for query, is_shown in {
        "act=api_key.created": True,
        "act=member.removed": False,
        f"actor={owner}": True,
        f"since={today}&until={today}": True,
        f"until={today - timedelta(days=1)}": False,
    }.items():
        body = client.get(f"{PAGE}?{query}").content.decode()
        assert ("of: acme" in body) is is_shown, query


def test_filter_that_is_none_says_so(acted: str, sign_in: SignIn, world: World) -> None:
    client = sign_in()
    for query in ("act=nonsense", "since=yesterday", f"actor={world.people['globex', 'owner'].pk}"):
        assert client.get(f"{PAGE}?{query}").status_code == 422


def test_page_has_the_same_queries_at_any_length(
    acme: TenantContext, acted: str, sign_in: SignIn
) -> None:
    client = sign_in()
    client.get(PAGE)  # what a process remembers is read once
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        counts.append(sum("tenants_block" not in query["sql"] for query in queries))
        with tenancy.tenant_scope(acme):
            for _ in range(3):
                act_record(act=Act.SIGNED_IN)
    assert counts[0] == counts[1]


def test_download_is_recorded_and_runs_no_formula(
    acme: TenantContext, acted: str, sign_in: SignIn
) -> None:
    with tenancy.tenant_scope(acme):
        act_record(act=Act.WORKFLOW_PUBLISHED, target_kind="workflow", target_id="=1+1")
    response = sign_in().get(f"{PAGE}export/")
    rows = list(csv.DictReader(response.content.decode().splitlines()))
    assert response["Content-Disposition"] == 'attachment; filename="audit-acme.csv"'
    assert "'=1+1" in [row["target_id"] for row in rows]
    assert rows[0]["act"] == "audit.exported"


def test_api_lists_newest_first_by_cursor(acme: TenantContext, sign_in: SignIn) -> None:
    with tenancy.tenant_scope(acme):
        numbers = [act_record(act=Act.SIGNED_IN) for _ in range(5)]
    client = sign_in()
    seen: list[int] = []
    url = f"{API}?page_size=2&act=session.signed_in"
    while url and len(seen) < 5:
        page = client.get(url).json()
        seen += [row["seq"] for row in page["results"]]
        url = page["next"]
    assert seen[:1] > numbers[-1:]  # the sign-in of this very client
    assert seen[1:5] == numbers[:0:-1]


def test_api_refuses_filters_that_are_none(sign_in: SignIn) -> None:
    for query in ("act=nonsense", "actor_id=7", "since=yesterday", "color=red"):
        response = sign_in().get(f"{API}?{query}")
        assert response.status_code == 400
        assert response["Content-Type"] == "application/problem+json"


def test_api_takes_a_key_with_the_scope(
    api_key: Callable[..., str], acme: TenantContext, client: Client
) -> None:
    for scopes, status in ((["audit:read"], 200), (["settings:read"], 403)):
        headers = {"host": "acme.localhost", "authorization": f"Bearer {api_key('acme', *scopes)}"}
        assert client.get(API, headers=headers).status_code == status


# --- what is recorded


def last() -> AuditEntry:
    return AuditEntry.objects.latest("id")


def test_request_says_who_acts_and_from_where(
    acme: TenantContext, world: World, sign_in: SignIn
) -> None:
    client = sign_in()
    body = {"name": "Sync", "lifetime": "", "scopes": ["team:read"]}
    client.post("/settings/keys/create/", body, REMOTE_ADDR="198.51.100.9")
    with tenancy.tenant_scope(acme):
        entry = last()
    assert (entry.act, entry.actor_kind) == ("api_key.created", "person")
    assert entry.actor_id == world.people["acme", "owner"].pk
    assert entry.network == "198.51.100.0/24"
    assert entry.request_id


def test_key_acts_as_itself(acme: TenantContext, api_key: Callable[..., str]) -> None:
    secret = api_key("acme", "settings:read", "settings:write", "team:read")
    client = Client(headers={"host": "acme.localhost", "authorization": f"Bearer {secret}"})
    made = client.post(
        "/api/v1/api-keys", {"name": "n", "scopes": ["team:read"]}, content_type="application/json"
    )
    assert made.status_code == 201
    with tenancy.tenant_scope(acme):
        assert last().actor_kind == "api_key"


def test_token_is_issued_to_whoever_proved_it(acme: TenantContext, world: World) -> None:
    client = Client(headers={"host": "acme.localhost"})
    body = {"email": "owner@acme.example.com", "password": "correct horse 42"}
    assert (
        client.post("/api/v1/auth/token", body, content_type="application/json").status_code == 200
    )
    with tenancy.tenant_scope(acme):
        entry = last()
    assert (entry.act, entry.actor_id) == ("token.issued", world.people["acme", "owner"].pk)


def test_sign_in_and_out_are_recorded(acme: TenantContext, sign_in: SignIn) -> None:
    client = sign_in(role=None)
    form = {"email": "owner@acme.example.com", "password": "correct horse 42"}
    client.post("/login/", form)
    client.post("/logout/")
    with tenancy.tenant_scope(acme):
        acts = AuditEntry.objects.order_by("-id").values_list("act", flat=True)[:2]
        assert list(acts) == ["session.signed_out", "session.signed_in"]


def test_team_changes_are_recorded(acme: TenantContext, world: World) -> None:
    with tenancy.tenant_scope(acme):
        owner = Membership.objects.get(person=world.people["acme", "owner"])
        agent = world.people["acme", "agent"].pk
        team.team_role_set(actor=owner, person_id=agent, role=Role.ADMIN)
        assert last().data == '{"from":"agent","to":"admin"}'
        team.team_member_remove(actor=owner, person_id=agent)
        assert (last().act, last().target_id) == ("member.removed", str(agent))


def test_refused_act_leaves_no_entry(acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        before = AuditEntry.objects.count()
        with pytest.raises(Exception, match="Unknown scopes"):
            services.api_key_create(name="n", scopes=["nonsense"])
        assert AuditEntry.objects.count() == before
