"""A brake for sign-in, sign-up and the widget's doors: a token bucket per workspace and subject."""

from __future__ import annotations

import hashlib
from uuid import UUID

import structlog
from django.http import HttpRequest
from django.utils.translation import gettext as _
from redis import RedisError

from core import tenancy
from core.errors import ServiceUnavailable
from core.redis import redis_client
from tenants.addresses import address_of
from tenants.admission.admit import buckets_admit
from tenants.admission.rate import Bucket

log = structlog.get_logger(__name__)


def client_address(request: HttpRequest) -> str:
    """Return where a request came from, as far back as our own proxies vouch for it."""
    return address_of(
        peer=str(request.META.get("REMOTE_ADDR", "")),
        forwarded_for=request.headers.get("X-Forwarded-For", ""),
    )


def attempt_count(
    *, kind: str, subject: str, limit: int, seconds: int, fails_closed: bool = True
) -> None:
    """Count one attempt by `subject`: `limit` at once, refilled evenly within `seconds`.

    Raises RateLimited beyond that. Without Redis it raises ServiceUnavailable, because passwords
    must not be guessed uncounted; doors for visitors stay open (`fails_closed=False`), counted in
    this process.
    """
    bucket = Bucket(_key(kind, subject), kind, limit, seconds)
    admission = buckets_admit([bucket], fails_closed=fails_closed)
    if isinstance(admission.refusal, ServiceUnavailable):
        detail = _("This is not possible at the moment. Try again in a few seconds.")
        raise ServiceUnavailable(detail, retry_after=admission.retry_after)
    admission.enforce()


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
    """Start over for `subject`, after a success. Redis lost since then forgets by itself."""
    try:
        redis_client().delete(_key(kind, subject))
    except RedisError as error:
        log.warning("attempts_not_forgotten", kind=kind, error=type(error).__name__)


def _key(kind: str, subject: str) -> str:
    """Return a key without personal data in it."""
    digest = hashlib.sha256(subject.encode()).hexdigest()[:32]
    parts = ("brake", kind, digest)
    is_tenant = tenancy.current() is not None
    return tenancy.tenant_key(*parts) if is_tenant else ":".join(("fd", "platform", *parts))
