"""A fixed-window brake for sign-in and sign-up, counted in Redis per workspace."""

from __future__ import annotations

import hashlib
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest

from core import tenancy
from core.errors import RateLimited
from core.redis import redis_client


def client_address(request: HttpRequest) -> str:
    """Return where a request came from, as far back as our own proxies vouch for it.

    Each proxy appends the peer it saw to X-Forwarded-For; what stands further left is the
    client's own word and would let anyone step around the brake.
    """
    peer = str(request.META.get("REMOTE_ADDR", ""))
    proxies = settings.TRUSTED_PROXY_COUNT
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    return hops[-proxies] if 0 < proxies <= len(hops) and hops[-proxies] else peer


def attempt_count(*, kind: str, subject: str, limit: int, seconds: int) -> None:
    """Count one attempt by `subject`; raises RateLimited beyond `limit` in the window."""
    client = redis_client()
    key = _key(kind, subject)
    with client.pipeline() as pipeline:
        pipeline.set(key, 0, ex=seconds, nx=True)
        pipeline.incr(key)
        pipeline.ttl(key)
        _, count, remaining = pipeline.execute()
    if count > limit:
        raise RateLimited(retry_after=max(remaining, 1))


def person_attempt_count(*, kind: str, person_id: UUID, limit: int, seconds: int) -> None:
    """Count one attempt on an account, whichever workspace's host it came by.

    A member of many workspaces would otherwise offer an attacker as many tries as hosts.
    """
    with tenancy.public_scope():
        attempt_count(kind=kind, subject=person_id.hex, limit=limit, seconds=seconds)


def person_attempts_forget(*, kind: str, person_id: UUID) -> None:
    """Start over for an account, after a success."""
    with tenancy.public_scope():
        attempts_forget(kind=kind, subject=person_id.hex)


def attempts_forget(*, kind: str, subject: str) -> None:
    """Start over for `subject`, after a success."""
    redis_client().delete(_key(kind, subject))


def _key(kind: str, subject: str) -> str:
    """Return a key without personal data in it."""
    digest = hashlib.sha256(subject.encode()).hexdigest()[:32]
    parts = ("attempts", kind, digest)
    is_tenant = tenancy.current() is not None
    return tenancy.tenant_key(*parts) if is_tenant else ":".join(("fd", "platform", *parts))
