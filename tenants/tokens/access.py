"""Access tokens: signed JWTs (RFC 9068) that hold on one workspace's host for an hour."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
from django.utils import timezone

from core import tenancy
from core.identifiers import uuid7
from tenants import selectors
from tenants.tokens import signing
from tenants.tokens.errors import TokenExpired, TokenForeign, TokenInvalid
from tenants.tokens.types import ACCESS_LENGTH_LIMIT, ACCESS_LIFETIME, CLOCK_SKEW, AccessClaims

ALGORITHM = "RS256"
TYPE = "at+jwt"
AUDIENCE_PATH = "/api/v1"
REQUIRED = ["iss", "aud", "sub", "tid", "jti", "scope", "fam", "pwm", "iat", "nbf", "exp"]


def access_token_issue(
    *, person_id: UUID, family_id: UUID, password_mark: str, scopes: frozenset[str]
) -> str:
    """Return a token of the current tenant. Raises SigningKeyUnreadable."""
    tenant, signer, now = tenancy.require(), signing.signer_current(), timezone.now()
    issuer = selectors.tenant_base_url(tenant.slug)
    claims = {
        "iss": issuer,
        "aud": issuer + AUDIENCE_PATH,
        "sub": str(person_id),
        "tid": str(tenant.id),
        "jti": str(uuid7()),
        "scope": " ".join(sorted(scopes)),
        "fam": str(family_id),
        "pwm": password_mark,
        "iat": now,
        "nbf": now,
        "exp": now + ACCESS_LIFETIME,
    }
    headers = {"kid": signer.kid, "typ": TYPE}
    return jwt.encode(claims, signer.private, algorithm=ALGORITHM, headers=headers)


def access_token_read(*, token: str) -> AccessClaims:
    """Return what a token of the current tenant says. Raises TokenInvalid, TokenExpired.

    The algorithm is ours, never the token's; the key is found by name among our own; issuer,
    audience and tenant must be this host's.
    """
    if len(token) > ACCESS_LENGTH_LIMIT or not token.isascii():
        raise TokenInvalid()
    try:
        return _claims(_decoded(token))
    except (jwt.InvalidIssuerError, jwt.InvalidAudienceError) as error:
        raise TokenForeign() from error  # raised behind the signature's check
    except jwt.ExpiredSignatureError as error:
        raise TokenExpired() from error
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise TokenInvalid() from error


def token_is_jwt(token: str) -> bool:
    """Return whether this has a JWT's form; visitors' tokens have three parts as well."""
    try:
        return len(token) <= ACCESS_LENGTH_LIMIT and "alg" in jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        return False


def _decoded(token: str) -> dict[str, Any]:
    header = jwt.get_unverified_header(token)
    if header.get("alg") != ALGORITHM or header.get("typ") != TYPE:
        raise TokenInvalid()
    key = signing.public_key(str(header.get("kid", "")))
    if key is None:
        raise TokenInvalid()
    issuer = selectors.tenant_base_url(tenancy.require().slug)
    return jwt.decode(
        token,
        key,
        algorithms=[ALGORITHM],
        issuer=issuer,
        audience=issuer + AUDIENCE_PATH,
        leeway=CLOCK_SKEW,
        options={"require": REQUIRED},
    )


def _claims(payload: dict[str, Any]) -> AccessClaims:
    if payload["tid"] != str(tenancy.require().id):
        raise TokenForeign()
    return AccessClaims(
        token_id=str(payload["jti"]),
        person_id=UUID(str(payload["sub"])),
        family_id=UUID(str(payload["fam"])),
        password_mark=str(payload["pwm"]),
        scopes=frozenset(str(payload["scope"]).split()),
        expires_at=datetime.fromtimestamp(payload["exp"], UTC),
    )
