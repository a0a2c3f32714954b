"""What the token tests share: asking for tokens, and forging them with the real key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address
from typing import Any
from uuid import uuid4

import jwt
from django.test import Client

from core import tenancy
from core.tenancy import TenantContext
from tenants import selectors
from tenants.tokens import families, signing
from tenants.tokens.types import TokenPair

PASSWORD = "correct horse 42"


def host(slug: str = "acme") -> Client:
    """Return a stranger on a workspace's host, each from an address with no attempts behind it."""
    address = str(IPv6Address(int(IPv6Address("2001:db8::")) + uuid4().int % 2**64))
    return Client(headers={"host": f"{slug}.localhost"}, REMOTE_ADDR=address)


def post(path: str, body: Any, slug: str = "acme", **headers: str) -> Any:
    return host(slug).post(
        f"/api/v1/{path}", body, content_type="application/json", headers=headers
    )


def sign_in(slug: str = "acme", role: str = "owner", **body: Any) -> dict[str, Any]:
    """Return the pair a member gets for their password."""
    answer = post(
        "auth/token",
        {"email": f"{role}@{slug}.example.com", "password": PASSWORD, **body},
        slug,
    )
    assert answer.status_code == 200, answer.content
    pair: dict[str, Any] = answer.json()
    return pair


def get(path: str, token: str, slug: str = "acme") -> Any:
    return host(slug).get(f"/api/v1/{path}", headers={"authorization": f"Bearer {token}"})


def me(token: str, slug: str = "acme") -> Any:
    return get("auth/me", token, slug)


def claims(token: str) -> dict[str, Any]:
    """Return a token's claims as PyJWT would want them back."""
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def forged(token: str, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return the token with other claims, signed by the real key; None drops a claim."""
    signer = signing.signer_current()
    merged = {k: v for k, v in {**claims(token), **changes}.items() if v is not None}
    headers = {"kid": signer.kid, "typ": "at+jwt", **(header or {})}
    return jwt.encode(merged, signer.private, algorithm="RS256", headers=headers)


def moment(**ago: int) -> int:
    """Return the Unix time that lies this far ahead."""
    return int((datetime.now(UTC) + timedelta(**ago)).timestamp())


def begun(tenant: TenantContext, person: Any) -> TokenPair:
    """Return a pair without the way over HTTP."""
    with tenancy.tenant_scope(tenant):
        membership = selectors.membership_for(person_id=person.pk)
        assert membership is not None
        return families.token_family_begin(membership=membership)


def nowhere() -> str:
    return str(uuid4())
