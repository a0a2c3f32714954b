"""Signing keys: sealed, rotated, published, and out of the application role's hands."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone
from pytest_django import Settings

from core import tenancy
from core.tenancy import TenantContext
from tenants.tokens import sealing, signing
from tenants.tokens.errors import SigningKeyUnreadable
from tenants.tokens.models import SigningKey
from tests.tenants.tokens import begun, host, me


@pytest.fixture(autouse=True)
def _fresh_memory() -> Iterator[None]:
    signing.cache_forget()
    yield
    signing.cache_forget()


def published() -> list[dict[str, Any]]:
    answer = host().get("/.well-known/jwks.json")
    assert answer.status_code == 200
    keys: list[dict[str, Any]] = answer.json()["keys"]
    return keys


def test_jwks_publishes_public_halves_alone(acme: TenantContext) -> None:
    for key in published():
        assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}
    answer = host("globex").get("/.well-known/jwks.json")
    assert answer.json()["keys"] == published()  # the platform's keys, the same on every host
    assert "max-age=60" in answer["Cache-Control"]


def test_application_role_reads_public_columns_and_writes_nothing(in_acme: TenantContext) -> None:
    assert SigningKey.objects.values_list("kid", "public_jwk").exists()
    for statement in (
        "SELECT private_sealed FROM tenants_signingkey",
        "SELECT * FROM tenants_signingkey",
        "INSERT INTO tenants_signingkey SELECT 'x', '{}', '', now(), NULL",
        "UPDATE tenants_signingkey SET retired_at = NULL",
        "DELETE FROM tenants_signingkey",
        "TRUNCATE tenants_signingkey",
    ):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_private_half_is_sealed_at_rest(db: None) -> None:
    with tenancy.platform_scope():
        key = signing.signing_key_ensure()
        stored = bytes(key.private_sealed)
    assert sealing.unseal(stored, name=key.kid)
    assert sealing.unseal(stored, name="another row") is None
    assert sealing.seal(b"x", name="n") != sealing.seal(b"x", name="n")
    changed = stored[:-1] + bytes([stored[-1] ^ 1])
    assert sealing.unseal(changed, name=key.kid) is None


def test_sealed_key_opens_with_a_fallback_secret_only(settings: Settings) -> None:
    sealed = sealing.seal(b"private", name="k")
    former = settings.SECRET_KEY
    settings.SECRET_KEY = "another-" + former
    assert sealing.unseal(sealed, name="k") is None
    settings.SECRET_KEY_FALLBACKS = [former]
    assert sealing.unseal(sealed, name="k") == b"private"


def test_unreadable_key_is_said_and_cured_by_rotation(settings: Settings, db: None) -> None:
    settings.SECRET_KEY = "another-" + settings.SECRET_KEY
    with pytest.raises(SigningKeyUnreadable):
        signing.signer_current()
    key = signing.signing_key_rotate()
    assert signing.signer_current().kid == key.kid


def test_ensure_returns_the_same_key(db: None) -> None:
    assert signing.signing_key_ensure().kid == signing.signing_key_ensure().kid


@pytest.fixture
def rotating(world: Any, transactional_db: None) -> Iterator[None]:
    """Commit rotations, and forget the retired keys afterwards."""
    yield
    with tenancy.platform_scope():
        SigningKey.objects.exclude(retired_at=None).delete()


def test_rotation_signs_anew_and_still_verifies_the_old(
    world: Any, people: Any, rotating: None
) -> None:
    acme = world.tenants["acme"]
    old = begun(acme, people["acme", "owner"]).access_token
    before, out = signing.signer_current().kid, StringIO()
    call_command("signing_keys_rotate", stdout=out)
    after = signing.signer_current().kid
    assert after != before
    assert out.getvalue() == f"{after} signs now; 2 keys verify\n"
    assert {key["kid"] for key in published()} >= {before, after}
    assert published()[0]["kid"] == after
    new = begun(acme, people["acme", "owner"]).access_token
    assert [me(token).status_code for token in (old, new)] == [200, 200]


def test_retired_key_verifies_until_its_last_token_is_over(
    world: Any, people: Any, rotating: None
) -> None:
    old = begun(world.tenants["acme"], people["acme", "owner"]).access_token
    before = signing.signer_current().kid
    signing.signing_key_rotate()
    long_ago = timezone.now() - signing.VERIFY_AFTER_RETIREMENT - timedelta(seconds=1)
    with tenancy.platform_scope():
        SigningKey.objects.filter(kid=before).update(retired_at=long_ago)
    signing.cache_forget()
    assert me(old).status_code == 401
    assert before not in {key["kid"] for key in published()}
    signing.signing_key_rotate()
    with tenancy.platform_scope():
        assert not SigningKey.objects.filter(kid=before).exists()


def test_parallel_first_needs_and_rotations_leave_one_signing_key(
    world: Any, rotating: None
) -> None:
    def work(rotate: bool) -> str:
        try:
            made = signing.signing_key_rotate() if rotate else signing.signing_key_ensure()
            return made.kid
        finally:
            connections.close_all()

    with tenancy.platform_scope():
        SigningKey.objects.all().delete()
    with ThreadPoolExecutor(6) as pool:
        runs = [pool.submit(copy_context().run, work, False) for _ in range(6)]
        assert len({run.result() for run in runs}) == 1
        for run in [pool.submit(copy_context().run, work, True) for _ in range(4)]:
            run.result()
    with tenancy.platform_scope():
        assert SigningKey.objects.filter(retired_at=None).count() == 1
