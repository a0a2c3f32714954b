"""A fixed-window brake for sign-in and sign-up, counted in Redis per workspace."""

from __future__ import annotations

import hashlib

from django.http import HttpRequest

from core import tenancy
from core.errors import RateLimited
from core.redis import redis_client
from tenants.addresses import address_of


def client_address(request: HttpRequest) -> str:
    """Return where a request came from, as far back as our own proxies vouch for it."""
    return address_of(
        peer=str(request.META.get("REMOTE_ADDR", "")),
        forwarded_for=request.headers.get("X-Forwarded-For", ""),
    )


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


def attempts_forget(*, kind: str, subject: str) -> None:
    """Start over for `subject`, after a success."""
    redis_client().delete(_key(kind, subject))


def _key(kind: str, subject: str) -> str:
    """Return a key without personal data in it."""
    digest = hashlib.sha256(subject.encode()).hexdigest()[:32]
    parts = ("attempts", kind, digest)
    is_tenant = tenancy.current() is not None
    return tenancy.tenant_key(*parts) if is_tenant else ":".join(("fd", "platform", *parts))
