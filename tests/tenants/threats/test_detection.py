"""Attacks are noticed, blocked where that is safe, and never at the neighbour's cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from redis import Redis

from core import tenancy
from core.audit.models import AuditEntry
from core.events.models import OutboxEvent
from core.events.relay import deliveries_due, relay_once
from core.redis import redis_client
from core.tenancy import TenantContext
from tenants import throttle
from tenants.threats import blocks, detect
from tenants.threats.models import Block, SecurityEvent
from tenants.threats.scope import PLATFORM
from tenants.threats.types import BlockReach
from tests.conftest import World
from tests.tenants.tokens import post
from tests.tenants.tokens import sign_in as token_for

PUBLIC, OTHER = "93.184.216.34", "93.184.217.34"
ME = "/api/v1/auth/me"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Forget what this process and Redis remember of earlier tests."""

    def forget() -> None:
        blocks._snapshots.clear()
        detect._places.clear()
        for key in redis_client().scan_iter("fd:*threat*"):
            redis_client().delete(key)

    forget()
    yield
    forget()


@pytest.fixture
def many_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an address try more accounts than the brake allows, as attackers with many do."""
    monkeypatch.setattr("tenants.credentials.PER_ADDRESS", 10_000)


def events(tenant: TenantContext) -> list[tuple[str, int]]:
    with tenancy.tenant_scope(tenant):
        found = SecurityEvent.objects.filter(tenant_id=tenant.id).order_by("first_at")
        return list(found.values_list("kind", "count"))


def try_accounts(count: int, *, address: str, slug: str = "acme") -> list[int]:
    client = Client(headers={"host": f"{slug}.localhost"}, REMOTE_ADDR=address)
    return [
        client.post("/login/", {"email": f"p{n}@example.com", "password": "x"}).status_code
        for n in range(count)
    ]


def right_password(address: str, slug: str = "acme") -> Any:
    client = Client(headers={"host": f"{slug}.localhost"}, REMOTE_ADDR=address)
    form = {"email": f"owner@{slug}.example.com", "password": "correct horse 42"}
    return client.post("/login/", form)


def call(secret: str, *, address: str = PUBLIC, slug: str = "acme") -> Any:
    client = Client(headers={"host": f"{slug}.localhost", "authorization": f"Bearer {secret}"})
    return client.get(ME, REMOTE_ADDR=address)


# --- credential stuffing


def test_many_accounts_from_one_address_are_stuffing(
    acme: TenantContext, globex: TenantContext, many_attempts: None
) -> None:
    try_accounts(detect.STUFFING.limit, address=PUBLIC)
    assert events(acme) == [("credential_stuffing", 1)]
    assert events(globex) == []
    assert right_password(PUBLIC).status_code == 422


def test_fewer_accounts_are_people_who_forget(acme: TenantContext, many_attempts: None) -> None:
    try_accounts(detect.STUFFING.limit - 1, address=PUBLIC)
    assert events(acme) == []
    assert right_password(PUBLIC).status_code == 302


def test_block_says_so_and_until_when(acme: TenantContext, many_attempts: None) -> None:
    try_accounts(detect.STUFFING.limit, address=PUBLIC)
    client = Client(headers={"host": "acme.localhost"}, REMOTE_ADDR=PUBLIC)
    body = {"email": "owner@acme.example.com", "password": "correct horse 42"}
    answer = client.post("/api/v1/auth/token", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "blocked")
    assert 0 < int(answer["Retry-After"]) <= 900


def test_stuffer_is_kept_from_signing_in_alone(acme: TenantContext, many_attempts: None) -> None:
    """Visitors behind the same address go on chatting."""
    try_accounts(detect.STUFFING.limit, address=PUBLIC)
    client = Client(headers={"host": "acme.localhost"}, REMOTE_ADDR=PUBLIC)
    assert client.get("/login/").status_code == 200
    assert right_password(OTHER).status_code == 302
    assert right_password(PUBLIC, slug="globex").status_code == 302


def test_private_address_is_never_blocked(acme: TenantContext, many_attempts: None) -> None:
    """It is most likely a proxy of ours, and everybody comes through it."""
    try_accounts(detect.STUFFING.limit, address="10.0.0.7")
    assert events(acme) == [("credential_stuffing", 1)]
    assert right_password("10.0.0.7").status_code == 302


def test_one_account_from_many_networks_is_noted_not_blocked(acme: TenantContext) -> None:
    """To block the account would let anybody lock its owner out."""
    for number in range(detect.ACCOUNT.limit):
        client = Client(headers={"host": "acme.localhost"}, REMOTE_ADDR=f"93.184.{number}.1")
        client.post("/login/", {"email": "owner@acme.example.com", "password": "x"})
    assert ("account_attack", 1) in events(acme)
    with tenancy.tenant_scope(acme):
        throttle.attempts_forget(kind="login", subject="owner@acme.example.com")
    assert right_password(OTHER).status_code == 302


def test_admin_sign_in_is_watched_too(world: World, db: None) -> None:
    client = Client(headers={"host": "localhost"}, REMOTE_ADDR=PUBLIC)
    for number in range(detect.STUFFING.limit):
        client.post("/admin/login/", {"username": f"p{number}@example.com", "password": "x"})
    with tenancy.platform_scope():
        assert SecurityEvent.objects.filter(tenant_id=PLATFORM).get().kind == "credential_stuffing"
        assert Block.objects.filter(tenant_id=PLATFORM).count() == 1


# --- keys


def test_key_in_a_new_place_is_noted_once(acme: TenantContext, api_key: Callable[..., str]) -> None:
    secret = api_key("acme", "team:read")
    call(secret)
    assert events(acme) == []
    for _ in range(3):
        call(secret, address=OTHER)
    assert events(acme) == [("key_new_place", 1)]
    assert call(secret, address=OTHER).status_code == 200


def test_known_place_costs_no_query(acme: TenantContext, api_key: Callable[..., str]) -> None:
    secret = api_key("acme", "team:read")
    call(secret)
    with CaptureQueriesContext(connection) as queries:
        call(secret)
    assert [query for query in queries if "keyplace" in query["sql"]] == []


def test_key_in_an_address_is_leaked(acme: TenantContext, api_key: Callable[..., str]) -> None:
    mine, foreign = api_key("acme", "team:read"), api_key("globex", "team:read")
    client = Client(headers={"host": "acme.localhost"})
    client.get(f"{ME}?key={foreign}")
    client.get(f"{ME}?key={mine[:-20]}{'A' * 20}")
    assert events(acme) == []
    client.get(f"{ME}?key={mine}")
    assert events(acme) == [("key_leaked", 1)]


# --- other workspaces' credentials


def test_foreign_key_is_noted_in_both_workspaces(
    acme: TenantContext, globex: TenantContext, api_key: Callable[..., str]
) -> None:
    assert call(api_key("globex", "team:read")).status_code == 401
    assert events(acme) == [("cross_tenant", 1)]
    assert events(globex) == [("cross_tenant", 1)]


def test_invented_key_is_nobodys(
    acme: TenantContext, globex: TenantContext, api_key: Callable[..., str]
) -> None:
    """A right prefix with a wrong secret tells nothing about its owner."""
    secret = api_key("globex", "team:read")
    assert call(secret[:-20] + "A" * 14 + secret[-6:]).status_code == 401
    assert (events(acme), events(globex)) == ([], [])


def test_foreign_token_is_noted(acme: TenantContext, people: Any) -> None:
    token = token_for(slug="globex")["access_token"]
    answer = call(token)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert events(acme) == [("cross_tenant", 1)]


def test_forged_token_is_nobodys(acme: TenantContext, people: Any) -> None:
    token = token_for(slug="globex")["access_token"]
    call(token[:-10] + "A" * 10)
    assert events(acme) == []


def test_insisting_on_foreign_keys_blocks_the_address(
    acme: TenantContext, globex: TenantContext, api_key: Callable[..., str]
) -> None:
    secret = api_key("globex", "team:read")
    for _ in range(detect.FOREIGN.limit):
        call(secret)
    answer = call(api_key("acme", "team:read"))
    assert (answer.status_code, answer.json()["code"]) == (403, "blocked")
    assert call(secret, slug="globex").status_code == 200


# --- pace


def test_going_on_after_refusals_blocks_the_key(
    acme: TenantContext, api_key: Callable[..., str], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(detect, "REFUSALS", detect.Rule(5, 300))
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "read": 1}
    secret, other = api_key("acme", "team:read"), api_key("acme", "team:read")
    assert [call(secret).status_code for _ in range(7)] == [200, *[429] * 5, 403]
    assert events(acme) == [("rate_anomaly", 1)]
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "read": 1000}
    assert call(other).status_code == 200


# --- tokens


@pytest.mark.django_db(transaction=True)
def test_reused_refresh_token_is_an_event(acme: TenantContext, people: Any) -> None:
    refresh = token_for()["refresh_token"]
    for _ in range(2):
        post("auth/token/refresh", {"refresh_token": refresh})
    with ThreadPoolExecutor(1) as pool:
        while deliveries_due():
            relay_once(pool)
    assert events(acme) == [("token_reused", 1)]


# --- events and blocks


def test_event_is_published_once_an_hour(acme: TenantContext, many_attempts: None) -> None:
    try_accounts(detect.STUFFING.limit + 3, address="10.0.0.7")
    assert events(acme) == [("credential_stuffing", 4)]
    with tenancy.tenant_scope(acme):
        assert OutboxEvent.objects.filter(name="security.event.noted").count() == 1


def test_blocks_grow_longer_and_are_audited(acme: TenantContext) -> None:
    subject = blocks.address_subject(PUBLIC)
    with tenancy.tenant_scope(acme):
        lengths = []
        for _ in range(3):
            block = blocks.block_add(subject=subject, reach=BlockReach.ALL, event_id=None)
            lengths.append(round((block.ends_at - block.starts_at).total_seconds() / 60))
            blocks.block_lift(block_id=block.pk)
        assert lengths == [15, 30, 60]
        acts = AuditEntry.objects.order_by("-id").values_list("act", flat=True)[:2]
        assert list(acts) == ["block.lifted", "block.added"]


def test_block_of_all_replaces_one_of_signing_in(acme: TenantContext) -> None:
    subject = blocks.address_subject(PUBLIC)
    with tenancy.tenant_scope(acme):
        for reach in (BlockReach.SIGN_IN, BlockReach.ALL):
            blocks.block_add(subject=subject, reach=reach, event_id=None)
        found = blocks.blocking_for(subject)
    assert found is not None
    assert found.reach is BlockReach.ALL


def test_ended_block_lets_in(acme: TenantContext) -> None:
    subject = blocks.address_subject(PUBLIC)
    with tenancy.tenant_scope(acme):
        block = blocks.block_add(subject=subject, reach=BlockReach.ALL, event_id=None)
        Block.objects.filter(pk=block.pk).update(ends_at=block.starts_at)
        blocks.snapshot_forget(acme.id)
        assert blocks.blocking_for(subject) is None


def test_neighbours_of_version_6_are_one_address() -> None:
    first = blocks.address_subject("2a00:1450:4001:82b::200e")
    assert first == blocks.address_subject("2a00:1450:4001:82b:1::1")
    assert first != blocks.address_subject("2a00:1450:4001:82c::200e")
    assert blocks.address_subject("::ffff:93.184.216.34") == blocks.address_subject(PUBLIC)


def test_address_is_not_stored(acme: TenantContext, many_attempts: None) -> None:
    try_accounts(detect.STUFFING.limit, address=PUBLIC)
    with tenancy.tenant_scope(acme):
        event = SecurityEvent.objects.get()
    assert PUBLIC not in event.subject
    assert event.network == "93.184.216.0/24"


def test_without_redis_nothing_is_noticed_and_nothing_breaks(
    acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = Redis(host="127.0.0.1", port=1, socket_connect_timeout=1)
    monkeypatch.setattr(detect, "redis_client", lambda: nowhere)
    detect._script.cache_clear()
    with tenancy.tenant_scope(acme):
        detect.sign_in_failed(address=PUBLIC, email="a@example.com")
    detect._script.cache_clear()
    assert events(acme) == []
