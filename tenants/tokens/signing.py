"""The platform's signing keys: made on first need, rotated, published.

Writes and private halves are the platform role's; the application role reads public columns only,
so that nothing a tenant's request can reach plants a key or takes one away. Both are remembered in
the process for ten seconds.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import connections, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from jwt.algorithms import RSAAlgorithm

from core import tenancy
from core.audit.record import act_record
from core.audit.types import Act
from tenants.tokens import sealing
from tenants.tokens.errors import SigningKeyUnreadable
from tenants.tokens.models import SigningKey
from tenants.tokens.types import ACCESS_LIFETIME, CLOCK_SKEW, KEY_CACHE

KEY_BITS = 2048
KID = re.compile(r"[A-Za-z0-9_-]{43}")
# A retired key may have signed for as long as another process remembered it as the current one.
VERIFY_AFTER_RETIREMENT = ACCESS_LIFETIME + CLOCK_SKEW + KEY_CACHE
_LOCK_NAME = "tenants.signing_key"
_cache: dict[str, tuple[float, Signer | rsa.RSAPublicKey]] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Signer:
    """The private key that signs now, and its name."""

    kid: str
    private: rsa.RSAPrivateKey


def signer_current() -> Signer:
    """Return the key that signs, making the first one. Raises SigningKeyUnreadable."""
    found = _remembered("signer")
    if isinstance(found, Signer):
        return found
    with tenancy.platform_scope():
        key = SigningKey.objects.filter(retired_at=None).first() or signing_key_ensure()
    signer = Signer(key.kid, _private(key))
    _remember("signer", signer)
    return signer


def public_key(kid: str) -> rsa.RSAPublicKey | None:
    """Return the public key of this name while it verifies; None for any other name."""
    if not KID.fullmatch(kid):
        return None
    found = _remembered(kid)
    if isinstance(found, rsa.RSAPublicKey):
        return found
    jwk = _verifying().filter(kid=kid).values_list("public_jwk", flat=True).first()
    if jwk is None:
        return None
    loaded = RSAAlgorithm.from_jwk(jwk)
    if not isinstance(loaded, rsa.RSAPublicKey):
        return None
    _remember(kid, loaded)
    return loaded


def jwks() -> dict[str, list[dict[str, Any]]]:
    """Return every key that verifies, newest first, as RFC 7517 wants it."""
    rows = _verifying().order_by("-created_at").values_list("public_jwk", flat=True)
    return {"keys": list(rows)}


def signing_key_ensure() -> SigningKey:
    """Return the current key, making it if there is none. Idempotent; one wins across processes."""
    with tenancy.platform_scope(), transaction.atomic(using="platform"):
        _rotation_lock()
        return SigningKey.objects.filter(retired_at=None).first() or _made()


def signing_key_rotate() -> SigningKey:
    """Make a new key that signs from now on; the old one verifies until its last token has expired.

    Other processes notice within ten seconds. Keys whose time is over are deleted. Takes a lock, so
    two rotations at once are one after the other. Needs no readable old key.
    """
    with tenancy.platform_scope(), transaction.atomic(using="platform"):
        _rotation_lock()
        SigningKey.objects.filter(retired_at=None).update(retired_at=timezone.now())
        SigningKey.objects.exclude(_verifies(timezone.now())).delete()
        key = _made()
        act_record(act=Act.SIGNING_KEY_ROTATED, target_kind="signing_key", target_id=key.kid)
    cache_forget()
    return key


def cache_forget() -> None:
    """Drop every remembered key of this process."""
    with _lock:
        _cache.clear()


def _verifying() -> QuerySet[SigningKey]:
    return SigningKey.objects.filter(_verifies(timezone.now()))


def _verifies(now: datetime) -> Q:
    return Q(retired_at=None) | Q(retired_at__gt=now - VERIFY_AFTER_RETIREMENT)


def _made() -> SigningKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    jwk = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    kid = _thumbprint(jwk)
    plain = private.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = {"kty": "RSA", "n": jwk["n"], "e": jwk["e"]}
    return SigningKey.objects.create(
        kid=kid,
        public_jwk={**public, "kid": kid, "use": "sig", "alg": "RS256"},
        private_sealed=sealing.seal(plain, name=kid),
    )


def _thumbprint(jwk: dict[str, Any]) -> str:
    """Return the key's RFC 7638 thumbprint: its name follows from the key itself."""
    members = {name: jwk[name] for name in ("e", "kty", "n")}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _private(key: SigningKey) -> rsa.RSAPrivateKey:
    plain = sealing.unseal(bytes(key.private_sealed), name=key.kid)
    if plain is None:
        raise SigningKeyUnreadable()
    loaded = serialization.load_der_private_key(plain, password=None)
    if not isinstance(loaded, rsa.RSAPrivateKey):
        raise SigningKeyUnreadable()
    return loaded


def _rotation_lock() -> None:
    with connections["platform"].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (_LOCK_NAME,))


def _remembered(name: str) -> Signer | rsa.RSAPublicKey | None:
    until, found = _cache.get(name, (0.0, None))
    return found if until > time.monotonic() else None


def _remember(name: str, found: Signer | rsa.RSAPublicKey) -> None:
    with _lock:
        _cache[name] = (time.monotonic() + KEY_CACHE.total_seconds(), found)
