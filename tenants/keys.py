"""API keys: made, checked, rotated with an overlap, revoked.

`fd_<12: public prefix>_<43: secret><6: checksum>`. The checksum is CRC-32 of all before it in
base 62, as in GitHub's tokens, so that typos and look-alikes are told without a query. Keys made
before there was one have no checksum and stay valid.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from django.db import connections, transaction
from django.utils import timezone

from core import tenancy
from core.audit.record import act_record
from core.audit.types import Act
from core.db.router import database_alias
from core.events import catalogue, publish
from tenants import errors
from tenants.accounts import verification
from tenants.models import ApiKey
from tenants.types import SCOPES, ApiKeySecret, KeyState

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
SECRET_LENGTH = 43  # 256 bits in base 62
CHECKSUM_LENGTH = 6
KEY_PATTERN = re.compile(r"fd_([a-z0-9]{12})_([A-Za-z0-9_-]{43})([A-Za-z0-9]{6})?")
LAST_USED_RESOLUTION = timedelta(minutes=1)
OVERLAP_LIMIT = timedelta(days=7)
OVERLAP = timedelta(hours=24)


@transaction.atomic
def api_key_create(
    *,
    name: str,
    scopes: Iterable[str],
    held: Collection[str] | None = None,
    created_by: UUID | None = None,
    expires_at: datetime | None = None,
    requests_per_minute: int | None = None,
) -> ApiKeySecret:
    """Create a key of the current tenant; its secret is returned once and stored as a hash.

    `held` are the scopes of whoever asks: nobody hands out what they do not hold. Raises
    ScopeMissing, and EmailUnverified for a person whose address is not proved. Publishes
    ApiKeyCreated.
    """
    if created_by is not None:
        verification.email_verified_require(person_id=created_by)
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown:
        raise errors.ScopeMissing(f"Unknown scopes: {', '.join(unknown)}.")
    _held_check(wanted, held)
    key, secret = _key_with_secret(
        name=name,
        scopes=wanted,
        created_by=created_by,
        expires_at=expires_at,
        requests_per_minute=requests_per_minute,
    )
    publish(catalogue.ApiKeyCreated(key_id=key.pk, created_by=created_by))
    act_record(
        act=Act.KEY_CREATED, target_kind="api_key", target_id=key.pk, data={"scopes": wanted}
    )
    return ApiKeySecret(id=key.pk, secret=secret)


def api_key_verify(*, secret: str) -> ApiKey:
    """Return the current tenant's key with this secret; raises ApiKeyInvalid."""
    match = KEY_PATTERN.fullmatch(secret)
    if match is None or (match[3] and match[3] != checksum(secret[:-CHECKSUM_LENGTH])):
        raise errors.ApiKeyInvalid()
    key = _key_find(match[1])
    expected = key.secret_hash if key else secret_digest("")
    is_right = hmac.compare_digest(expected, secret_digest(match[2] + (match[3] or "")))
    now = timezone.now()
    if key is None or not is_right or key.revoked_at or (key.expires_at and key.expires_at <= now):
        raise errors.ApiKeyInvalid()
    _last_used_touch(key, now)
    return key


@transaction.atomic
def api_key_rotate(
    *,
    key_id: UUID,
    overlap: timedelta = OVERLAP,
    held: Collection[str] | None = None,
    rotated_by: UUID | None = None,
) -> ApiKeySecret:
    """Replace a working key by one of the same name, scopes, lifetime and rate, from now on.

    The old one works until `overlap` (none to seven days) is over, or its own end if that is
    sooner. Locks the key: of two rotations at once the second fails. Raises ApiKeyUnknown,
    ApiKeyNotRotatable, ScopeMissing if `held` does not cover the key's. Publishes ApiKeyRotated.
    """
    mine = ApiKey.objects.filter(tenant_id=tenancy.require().id, pk=key_id)
    old = mine.select_for_update().first()
    if old is None:
        raise errors.ApiKeyUnknown()
    if old.state is not KeyState.ACTIVE:
        raise errors.ApiKeyNotRotatable()
    _held_check(old.scopes, held)
    now, kept = timezone.now(), min(max(overlap, timedelta()), OVERLAP_LIMIT)
    new, secret = _key_with_secret(
        name=old.name,
        scopes=old.scopes,
        created_by=rotated_by,
        expires_at=now + (old.expires_at - old.created_at) if old.expires_at else None,
        requests_per_minute=old.requests_per_minute,
    )
    ends = now + kept
    old.replaced_by, old.expires_at = new, min(old.expires_at or ends, ends)
    old.save(update_fields=["replaced_by", "expires_at"])
    publish(
        catalogue.ApiKeyRotated(
            key_id=old.pk,
            replaced_by=new.pk,
            overlap_seconds=int(kept.total_seconds()),
            rotated_by=rotated_by,
        )
    )
    act_record(
        act=Act.KEY_ROTATED,
        target_kind="api_key",
        target_id=old.pk,
        data={"replaced_by": str(new.pk), "overlap_seconds": int(kept.total_seconds())},
    )
    return ApiKeySecret(id=new.pk, secret=secret)


@transaction.atomic
def api_key_revoke(*, key_id: UUID, revoked_by: UUID | None = None) -> None:
    """Make a key of the current tenant useless from now on. Idempotent.

    Raises ApiKeyUnknown. Publishes ApiKeyRevoked.
    """
    mine = ApiKey.objects.filter(tenant_id=tenancy.require().id, pk=key_id)
    if mine.filter(revoked_at=None).update(revoked_at=timezone.now()):
        publish(catalogue.ApiKeyRevoked(key_id=key_id, revoked_by=revoked_by))
        act_record(act=Act.KEY_REVOKED, target_kind="api_key", target_id=key_id)
    elif not mine.exists():
        raise errors.ApiKeyUnknown()


def checksum(text: str) -> str:
    """Return CRC-32 of `text` as six digits of base 62."""
    rest, digits = zlib.crc32(text.encode()), ""
    while rest:
        rest, digit = divmod(rest, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits.rjust(CHECKSUM_LENGTH, ALPHABET[0])


def _key_with_secret(
    *,
    name: str,
    scopes: list[str],
    created_by: UUID | None,
    expires_at: datetime | None,
    requests_per_minute: int | None,
) -> tuple[ApiKey, str]:
    prefix = secrets.token_hex(6)
    body = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    public = f"fd_{prefix}_{body}"
    end = checksum(public)
    key = ApiKey.objects.create(
        tenant_id=tenancy.require().id,
        name=name,
        prefix=prefix,
        secret_hash=secret_digest(body + end),
        scopes=scopes,
        created_by=created_by,
        expires_at=expires_at,
        requests_per_minute=requests_per_minute,
    )
    return key, public + end


def _key_find(prefix: str) -> ApiKey | None:
    """Return the current tenant's key; each call begins here, so the query is written out."""
    with connections[database_alias()].cursor() as cursor:
        cursor.execute(_find_statement(), (tenancy.require().id, prefix))
        row = cursor.fetchone()
    return ApiKey.from_db(database_alias(), _columns(), row) if row else None


@cache
def _columns() -> list[str]:
    return [field.attname for field in ApiKey._meta.concrete_fields]


@cache
def _find_statement() -> str:
    names = ", ".join(str(field.column) for field in ApiKey._meta.concrete_fields)
    where = "tenant_id = %s AND prefix = %s"
    return f"SELECT {names} FROM {ApiKey._meta.db_table} WHERE {where}"  # noqa: S608 - our columns


def _held_check(wanted: Iterable[str], held: Collection[str] | None) -> None:
    missing = sorted(set(wanted) - set(held)) if held is not None else []
    if missing:
        raise errors.ScopeMissing(scope=missing[0])


def _last_used_touch(key: ApiKey, now: datetime) -> None:
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_RESOLUTION:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


def secret_digest(secret: str) -> str:
    """Return the stored form: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
