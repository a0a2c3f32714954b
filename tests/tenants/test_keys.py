"""API keys: their form, their rotation, and that nobody hands out more than they hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import tenancy
from core.events.models import OutboxEvent
from core.tenancy import TenantContext
from tenants import errors, keys, services
from tenants.models import ApiKey
from tenants.types import KeyState
from tests.tenants.tokens import get, host, me
from tests.tenants.tokens import sign_in as token_for

SignIn = Callable[..., Client]
PATH = "/api/v1/api-keys"


def made(*scopes: str, **options: Any) -> Any:
    return services.api_key_create(name="Sync", scopes=scopes or ["team:read"], **options)


def row(made: Any) -> ApiKey:
    return ApiKey.objects.get(pk=made.id)


# --- the form


def test_checksum_is_crc32_in_base_62() -> None:
    assert keys.checksum("") == "000000"
    assert keys.checksum("123456789") == "3jZRME"  # CRC-32 check value 0xCBF43926


def test_secret_carries_its_checksum(in_acme: TenantContext) -> None:
    secret = made().secret
    assert re.fullmatch(r"fd_[0-9a-f]{12}_[0-9A-Za-z]{49}", secret)
    assert secret.endswith(keys.checksum(secret[:-6]))


def test_typo_is_refused_without_a_query(in_acme: TenantContext) -> None:
    secret = made().secret
    with CaptureQueriesContext(connection) as queries:
        for index in range(3, len(secret)):
            other = "x" if secret[index] != "x" else "y"
            with pytest.raises(errors.ApiKeyInvalid):
                services.api_key_verify(secret=secret[:index] + other + secret[index + 1 :])
    assert len(queries) == 0


def test_key_of_the_earlier_form_still_works(in_acme: TenantContext) -> None:
    body = "_" + "A-b" * 14
    ApiKey.objects.create(
        tenant_id=in_acme.id,
        name="old",
        prefix="0123456789ab",
        secret_hash=keys.secret_digest(body),
        scopes=["team:read"],
    )
    assert services.api_key_verify(secret=f"fd_0123456789ab_{body}").name == "old"
    assert me(f"fd_0123456789ab_{body}").status_code == 200


@pytest.mark.parametrize("length", [0, 1, 12, 16, 58, 59, 60, 64, 65, 66, 4000])
def test_garbage_of_every_length_is_no_key(acme: TenantContext, length: int) -> None:
    for garbage in ("fd_" + "a" * length, ("fd_" + "0" * 12 + "_" + "é" * length)):
        assert me(garbage).json()["code"] == "api_key_invalid"


def test_expired_key_is_refused(in_acme: TenantContext) -> None:
    old = made(expires_at=timezone.now() - timedelta(seconds=1))
    assert me(old.secret).status_code == 401
    assert row(old).state is KeyState.EXPIRED


def test_own_rate_is_bounded_and_shown_to_whoever_limits(in_acme: TenantContext) -> None:
    assert services.api_key_verify(secret=made(requests_per_minute=7).secret).requests_per_minute
    assert me(made(requests_per_minute=7).secret).json()["requests_per_minute"] == 7
    for rate in (0, 100_001):
        with pytest.raises(IntegrityError), transaction.atomic():
            made(requests_per_minute=rate)


# --- rotation


def test_rotation_keeps_both_working_until_the_overlap_ends(in_acme: TenantContext) -> None:
    ends = timezone.now() + timedelta(days=30)
    old = made("team:read", expires_at=ends, requests_per_minute=9)
    new = services.api_key_rotate(key_id=old.id, overlap=timedelta(hours=1))
    assert [me(key.secret).status_code for key in (old, new)] == [200, 200]
    assert (row(old).state, row(new).state) == (KeyState.REPLACED, KeyState.ACTIVE)
    assert (row(new).scopes, row(new).requests_per_minute) == (["team:read"], 9)
    lifetime = row(new).expires_at - row(new).created_at  # type: ignore[operator]
    assert abs(lifetime - timedelta(days=30)) < timedelta(minutes=1)
    ApiKey.objects.filter(pk=old.id).update(expires_at=timezone.now())
    assert [me(key.secret).status_code for key in (old, new)] == [401, 200]


def test_rotation_without_overlap_ends_the_old_key(in_acme: TenantContext) -> None:
    old = made()
    services.api_key_rotate(key_id=old.id, overlap=timedelta())
    assert me(old.secret).status_code == 401


def test_rotation_never_prolongs_the_old_key(in_acme: TenantContext) -> None:
    ends = timezone.now() + timedelta(minutes=5)
    old, forever = made(expires_at=ends), made()
    for key in (old, forever):
        services.api_key_rotate(key_id=key.id, overlap=timedelta(days=900))
    assert row(old).expires_at == ends
    kept = row(forever).expires_at - timezone.now()  # type: ignore[operator]
    assert kept <= keys.OVERLAP_LIMIT


def test_rotation_is_an_event(in_acme: TenantContext) -> None:
    old = made()
    new = services.api_key_rotate(key_id=old.id, overlap=timedelta(hours=2))
    services.api_key_revoke(key_id=old.id)
    services.api_key_revoke(key_id=old.id)
    found = OutboxEvent.objects.filter(payload__key_id=str(old.id)).order_by("id")
    assert [event.name for event in found] == [
        f"api_key.{w}" for w in ("created", "rotated", "revoked")
    ]
    assert found[1].payload["replaced_by"] == str(new.id)
    assert found[1].payload["overlap_seconds"] == 7200


def test_key_rotates_once_and_only_while_it_works(in_acme: TenantContext) -> None:
    replaced, revoked = made(), made()
    over = made(expires_at=timezone.now())
    services.api_key_rotate(key_id=replaced.id)
    services.api_key_revoke(key_id=revoked.id)
    for key in (replaced, revoked, over):
        with pytest.raises(errors.ApiKeyNotRotatable):
            services.api_key_rotate(key_id=key.id)


def test_rotation_of_another_workspaces_key_is_unknown(
    acme: TenantContext, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(globex):
        theirs = made()
    with tenancy.tenant_scope(acme), pytest.raises(errors.ApiKeyUnknown):
        services.api_key_rotate(key_id=theirs.id)


def test_parallel_rotations_replace_a_key_once(world: Any, transactional_db: None) -> None:
    def work() -> bool:
        try:
            services.api_key_rotate(key_id=old.id)
        except errors.ApiKeyNotRotatable:
            return False
        finally:
            connections.close_all()
        return True

    with tenancy.tenant_scope(world.tenants["acme"]):
        old = made()
        with ThreadPoolExecutor(8) as pool:
            runs = [pool.submit(copy_context().run, work) for _ in range(8)]
            assert [run.result() for run in runs].count(True) == 1
        ApiKey.objects.all().delete()


# --- REST


@pytest.fixture
def call(api_key: Any) -> Callable[..., Any]:
    """Return a function that calls the resource with a key that holds these scopes."""

    def called(method: str, path: str = "", body: Any = None, *scopes: str) -> Any:
        key = api_key("acme", *(scopes or ("settings:read", "settings:write", "team:read")))
        client = host()
        return getattr(client, method)(
            PATH + path,
            body or {},
            content_type="application/json",
            headers={"authorization": f"Bearer {key}"},
        )

    return called


def test_api_creates_a_key_and_tells_its_secret_once(call: Any, acme: TenantContext) -> None:
    ends = (timezone.now() + timedelta(days=3)).isoformat()
    body = {"name": "Shop", "scopes": ["team:read"], "expires_at": ends, "requests_per_minute": 5}
    answer = call("post", "", body)
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    assert me(answer.json()["secret"]).json()["scopes"] == ["team:read"]


def test_api_lists_ones_own_keys_without_their_secrets(
    api_key: Any, acme: TenantContext, globex: TenantContext
) -> None:
    api_key("globex", "team:read")
    key = api_key("acme", "settings:read")
    answer = get("api-keys", key)
    (shown,) = answer.json()["results"]
    assert (shown["prefix"], shown["state"]) == (key[3:15], "active")
    assert key[16:] not in answer.content.decode()
    assert "hash" not in answer.content.decode()


def test_api_rotates_and_revokes(call: Any, in_acme: TenantContext) -> None:
    old = made()
    answer = call("post", f"/{old.id}/rotate", {"overlap_seconds": 60})
    assert answer.status_code == 201
    assert row(old).state is KeyState.REPLACED
    assert call("post", f"/{old.id}/rotate").json()["code"] == "api_key_not_rotatable"
    for _ in range(2):
        assert call("delete", f"/{answer.json()['id']}").status_code == 204
    assert me(answer.json()["secret"]).status_code == 401
    assert me(old.secret).status_code == 200


def test_api_reaches_no_key_of_another_workspace(call: Any, globex: TenantContext) -> None:
    with tenancy.tenant_scope(globex):
        theirs = made()
    assert call("post", f"/{theirs.id}/rotate").json()["code"] == "api_key_unknown"
    assert call("delete", f"/{theirs.id}").json()["code"] == "api_key_unknown"
    assert me(theirs.secret, "globex").status_code == 200


def test_key_cannot_hand_out_more_than_it_holds(call: Any, in_acme: TenantContext) -> None:
    body = {"name": "More", "scopes": ["team:read", "billing:read"]}
    answer = call("post", "", body)
    assert (answer.status_code, answer.json()["scope"]) == (403, "billing:read")
    broad = made("team:read", "billing:read")
    assert call("post", f"/{broad.id}/rotate").json()["code"] == "scope_missing"
    assert row(broad).state is KeyState.ACTIVE


def test_token_cannot_hand_out_more_than_it_holds(acme: TenantContext) -> None:
    narrow = token_for(scopes=["settings:write", "team:read"])["access_token"]
    for scope, status in (("team:read", 201), ("commerce:read", 403)):
        answer = host().post(
            PATH,
            {"name": "k", "scopes": [scope]},
            content_type="application/json",
            headers={"authorization": f"Bearer {narrow}"},
        )
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("method", "path"), [("post", ""), ("post", f"/{uuid4()}/rotate"), ("delete", f"/{uuid4()}")]
)
def test_api_needs_the_write_scope(call: Any, acme: TenantContext, method: str, path: str) -> None:
    assert call(method, path, {}, "settings:read").json()["code"] == "scope_missing"
    assert host().get(PATH).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {"name": "", "scopes": ["team:read"]},
        {"name": "k", "scopes": []},
        {"name": "k", "scopes": ["all"]},
        {"name": "k", "scopes": ["team:read"], "expires_at": "2001-01-01T00:00:00Z"},
        {"name": "k", "scopes": ["team:read"], "requests_per_minute": 0},
        {"name": "k", "scopes": ["team:read"], "requests_per_minute": 100_001},
        {"name": "k", "scopes": ["team:read"], "surprise": 1},
    ],
    ids=str,
)
def test_body_that_breaks_the_contract_is_refused(call: Any, acme: Any, body: Any) -> None:
    assert call("post", "", body).status_code == 400


@pytest.mark.parametrize("overlap", [-1, 604_801, "long"])
def test_overlap_out_of_range_is_refused(call: Any, in_acme: TenantContext, overlap: Any) -> None:
    old = made()
    assert call("post", f"/{old.id}/rotate", {"overlap_seconds": overlap}).status_code == 400


# --- pages


def test_page_rotates_and_shows_the_new_secret_once(
    sign_in: SignIn, in_acme: TenantContext
) -> None:
    old, client = made(), sign_in()
    page = client.post(f"/settings/keys/{old.id}/rotate/", {"overlap": "24"}).content.decode()
    found = re.search(r'id="new-key">([^<]+)<', page)
    assert found
    assert [me(secret).status_code for secret in (found[1], old.secret)] == [200, 200]
    listed = client.get("/settings/keys/").content.decode()
    assert "Replaced" in listed
    assert "works until" in listed
    assert found[1] not in listed


@pytest.mark.parametrize(("overlap", "says"), [("5", "Choose when"), ("24", "was replaced")])
def test_page_says_why_a_key_is_not_rotated(
    sign_in: SignIn, in_acme: TenantContext, overlap: str, says: str
) -> None:
    old = made()
    services.api_key_rotate(key_id=old.id)
    path = f"/settings/keys/{old.id}/rotate/"
    assert says in sign_in().post(path, {"overlap": overlap}, follow=True).content.decode()


@pytest.mark.parametrize("role", ["agent", "viewer"])
def test_page_rotation_needs_the_write_scope(
    sign_in: SignIn, in_acme: TenantContext, role: str
) -> None:
    assert sign_in(role=role).post(f"/settings/keys/{made().id}/rotate/").status_code == 403


def test_page_takes_a_rate_of_its_own(sign_in: SignIn, in_acme: TenantContext) -> None:
    form = {"name": "k", "scopes": ["team:read"], "requests_per_minute": "60"}
    assert "60 a minute" in sign_in().post("/settings/keys/create/", form).content.decode()
    form["requests_per_minute"] = "0"
    assert sign_in().post("/settings/keys/create/", form).status_code == 422
