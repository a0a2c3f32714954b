"""Refresh tokens: single use, one family's fate, revocation that Redis cannot undo."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import redis
from django.db import DatabaseError, connections, transaction
from django.utils import timezone

from core import redis as core_redis
from core import tenancy
from core.events.models import OutboxEvent
from core.redis import redis_client
from core.tenancy import TenantContext
from tenants.tokens import families, liveness
from tenants.tokens.models import RefreshToken, TokenFamily
from tests.tenants.tokens import begun, claims, host, me, nowhere, post
from tests.tenants.tokens import sign_in as token_for


def refresh(token: Any, slug: str = "acme") -> Any:
    return post("auth/token/refresh", {"refresh_token": token}, slug)


def revoke(token: Any, slug: str = "acme") -> Any:
    return post("auth/token/revoke", {"refresh_token": token}, slug)


@pytest.fixture
def pair(acme: TenantContext, globex: TenantContext) -> dict[str, Any]:
    return token_for()


def family_of(pair: dict[str, Any]) -> UUID:
    return UUID(claims(pair["access_token"])["fam"])


def test_refresh_gives_a_new_pair_of_the_same_family(pair: dict[str, Any]) -> None:
    again = refresh(pair["refresh_token"]).json()
    assert again["refresh_token"] != pair["refresh_token"]
    assert family_of(again) == family_of(pair)
    assert claims(again["access_token"])["jti"] != claims(pair["access_token"])["jti"]
    assert me(again["access_token"]).status_code == me(pair["access_token"]).status_code == 200
    assert refresh(again["refresh_token"]).status_code == 200


def test_refresh_does_not_move_the_familys_end(pair: dict[str, Any], in_acme: Any) -> None:
    soon = timezone.now() + timedelta(minutes=5)
    TokenFamily.objects.filter(pk=family_of(pair)).update(expires_at=soon)
    again = refresh(pair["refresh_token"]).json()
    assert 0 < again["refresh_expires_in"] <= 300
    TokenFamily.objects.filter(pk=family_of(pair)).update(expires_at=timezone.now())
    assert refresh(again["refresh_token"]).status_code == 401


def test_refresh_keeps_narrowed_scopes(acme: TenantContext) -> None:
    narrow = token_for(scopes=["team:read"])
    assert refresh(narrow["refresh_token"]).json()["scope"] == "team:read"


def test_second_use_ends_the_family(pair: dict[str, Any], in_acme: TenantContext) -> None:
    again = refresh(pair["refresh_token"]).json()
    assert refresh(pair["refresh_token"]).json()["code"] == "refresh_token_invalid"
    assert refresh(again["refresh_token"]).status_code == 401
    for access_token in (pair["access_token"], again["access_token"]):
        assert me(access_token).json()["code"] == "token_invalid"
    (event,) = OutboxEvent.objects.filter(name="token.reuse_detected")
    assert event.payload["family_id"] == str(family_of(pair))


def test_second_use_leaves_other_families_alone(pair: dict[str, Any], acme: Any) -> None:
    other = token_for()
    refresh(pair["refresh_token"])
    refresh(pair["refresh_token"])
    assert me(other["access_token"]).status_code == 200
    assert refresh(other["refresh_token"]).status_code == 200


def test_refresh_token_of_another_workspace_is_unknown(pair: dict[str, Any]) -> None:
    assert refresh(pair["refresh_token"], "globex").status_code == 401
    assert revoke(pair["refresh_token"], "globex").status_code == 204
    assert refresh(pair["refresh_token"]).status_code == 200


def test_access_token_refreshes_nothing(pair: dict[str, Any]) -> None:
    assert refresh(pair["access_token"][:200]).status_code == 401
    assert me(pair["refresh_token"]).status_code == 401


def test_revoke_ends_both_tokens_and_answers_the_same_for_any(pair: dict[str, Any]) -> None:
    assert me(pair["access_token"]).status_code == 200
    answers = [
        revoke(token)
        for token in (pair["refresh_token"], pair["refresh_token"], f"fdr_{'x' * 43}", "nonsense")
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(204, b"")}
    assert me(pair["access_token"]).status_code == 401
    assert refresh(pair["refresh_token"]).status_code == 401


@pytest.mark.parametrize("path", ["refresh", "revoke"])
@pytest.mark.parametrize(
    "body",
    [
        *({}, {"refresh_token": ""}, {"refresh_token": None}, {"refresh_token": ["x"]}, [], "x"),
        *({"refresh_token": "a" * 201}, {"refresh_token": "a\u0000"}),
        {"refresh_token": "a", "surprise": 1},
    ],
    ids=str,
)
def test_body_that_breaks_the_contract_is_refused(acme: Any, path: str, body: Any) -> None:
    assert post(f"auth/token/{path}", body).status_code == 400


@pytest.mark.parametrize("length", [1, 2, 46, 47, 48, 200])
@pytest.mark.parametrize("letter", ["a", "fdr_", "é", "'"])
def test_garbage_is_no_refresh_token(acme: TenantContext, length: int, letter: str) -> None:
    assert refresh((letter * length)[:length]).status_code == 401


def test_refresh_looks_at_no_cookie(sign_in: Any, acme: TenantContext) -> None:
    answer = sign_in().post(
        "/api/v1/auth/token/refresh",
        {"refresh_token": f"fdr_{'x' * 43}"},
        content_type="application/json",
    )
    assert answer.status_code == 401


def test_only_hashes_are_stored(pair: dict[str, Any], in_acme: TenantContext) -> None:
    rows = RefreshToken.objects.filter(family_id=family_of(pair))
    assert [row.token_hash for row in rows] == [families._hash(pair["refresh_token"])]


def test_sign_in_forgets_families_long_over(pair: dict[str, Any], in_acme: TenantContext) -> None:
    over = timezone.now() - timedelta(hours=2)
    TokenFamily.objects.filter(pk=family_of(pair)).update(expires_at=over)
    other = token_for()
    assert set(TokenFamily.objects.values_list("pk", flat=True)) == {family_of(other)}


def test_families_of_another_workspace_are_hidden(pair: dict[str, Any], globex: Any) -> None:
    with tenancy.tenant_scope(globex):
        assert not TokenFamily.objects.exists()
        assert not RefreshToken.objects.exists()
        assert not liveness.family_is_live(family_of(pair))
        with pytest.raises(DatabaseError), transaction.atomic():
            RefreshToken.objects.create(
                tenant_id=nowhere(), family_id=family_of(pair), token_hash="x"
            )


# --- at once


def test_fifty_refreshes_at_once_give_one_pair_and_end_the_family(
    world: Any, people: Any, transactional_db: None
) -> None:
    acme = world.tenants["acme"]
    pair = begun(acme, people["acme", "owner"])
    start = threading.Barrier(25)

    def attempt(_: int) -> Any:
        start.wait(30)
        try:
            return refresh(pair.refresh_token)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(attempt, range(50)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert {answer.json()["code"] for answer in answers if answer not in won} == {
        "refresh_token_invalid"
    }
    new = won[0].json()
    assert refresh(new["refresh_token"]).status_code == 401
    assert me(new["access_token"]).status_code == me(pair.access_token).status_code == 401
    with tenancy.tenant_scope(acme):
        family = TokenFamily.objects.get(pk=family_of(new))
        assert family.revoked_at
        assert family.tokens.count() == 2


# --- Redis


@pytest.fixture
def redis_gone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function after which the real client talks to a port where nobody answers."""
    core_redis.redis_client.cache_clear()

    def go() -> None:
        lost = redis.Redis(host="127.0.0.1", port=9, socket_connect_timeout=0.2)
        monkeypatch.setattr(liveness, "redis_client", lambda: lost)

    yield go
    core_redis.redis_client.cache_clear()


def test_tokens_work_and_are_revoked_without_redis(pair: dict[str, Any], redis_gone: Any) -> None:
    redis_gone()
    assert me(pair["access_token"]).status_code == 200
    assert revoke(pair["refresh_token"]).status_code == 204
    assert me(pair["access_token"]).status_code == 401


def test_revocation_outlives_a_redis_that_forgets(pair: dict[str, Any], in_acme: Any) -> None:
    revoke(pair["refresh_token"])
    redis_client().delete(liveness._key(family_of(pair)))
    assert me(pair["access_token"]).status_code == 401
    assert me(pair["access_token"]).status_code == 401


def test_late_reader_does_not_bring_a_revoked_family_back(
    pair: dict[str, Any], in_acme: TenantContext
) -> None:
    family_id = family_of(pair)
    redis_client().delete(liveness._key(family_id))
    liveness.family_revoked_remember(family_id)
    liveness._live_remember(family_id)  # what a request does that read "live" just before
    assert not liveness.family_is_live(family_id)


def test_revocation_is_remembered_longer_than_an_access_token_lasts(
    pair: dict[str, Any], in_acme: TenantContext
) -> None:
    me(pair["access_token"])
    key = liveness._key(family_of(pair))
    assert 0 < int(redis_client().ttl(key)) <= liveness.LIVE_SECONDS
    revoke(pair["refresh_token"])
    assert int(redis_client().ttl(key)) > 3600


def test_jwks_is_readable_by_strangers(acme: TenantContext) -> None:
    assert host().get("/.well-known/jwks.json").status_code == 200
