"""The rate limit of REST: a throttle that decides, a middleware that tells."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from redis import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core import tenancy
from core.errors import RateLimited, ServiceUnavailable
from tenants.admission.current import limits_current
from tenants.admission.local import local_take
from tenants.admission.rate import Bucket, Verdict, take
from tenants.throttle import client_address

logger = logging.getLogger(__name__)

WINDOW_SECONDS: Final = 60
# One subject may use a tenth of what its whole workspace may.
TENANT_FACTOR: Final = 10
# What costs money or opens doors waits for Redis; the rest goes on, counted in this process.
FAIL_CLOSED: Final = frozenset({"auth", "upload"})


class AdmissionThrottle(BaseThrottle):
    """Take from the subject's and the workspace's bucket; raises RateLimited when one is empty."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if tenancy.current() is None:
            return True
        route_class = _route_class(request, view)
        buckets = _buckets(request, route_class)
        try:
            verdict = take(buckets=buckets)
        except RedisError as error:
            return _without_redis(route_class, buckets[0], error)
        request._request.rate_verdict = verdict  # type: ignore[attr-defined]
        if not verdict.allowed:
            raise RateLimited(retry_after=verdict.retry_after, limit=verdict.bucket.name)
        return True


class RateLimitHeaders:
    """Add RateLimit and RateLimit-Policy to answers of throttled routes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        verdict: Verdict | None = getattr(request, "rate_verdict", None)
        if verdict is not None:
            bucket = verdict.bucket
            response["RateLimit-Policy"] = f'"{bucket.name}";q={bucket.burst};w={bucket.seconds}'
            response["RateLimit"] = f'"{bucket.name}";r={verdict.remaining};t={verdict.reset}'
        return response


def _route_class(request: Request, view: Any) -> str:
    """Return what the view declares in `route_classes` for the method, else read or write."""
    default = "read" if request.method in ("GET", "HEAD", "OPTIONS") else "write"
    declared: dict[str, str] = getattr(view, "route_classes", {})
    return declared.get(str(request.method), default)


def _buckets(request: Request, route_class: str) -> list[Bucket]:
    configured = int(settings.RATE_LIMITS[route_class])
    # A larger plan does not make passwords easier to guess.
    limit = configured if route_class == "auth" else limits_current().rate(configured)
    own = getattr(request.auth, "requests_per_minute", None) or limit
    name = f"{route_class}-tenant"
    return [
        Bucket(_key(route_class, _subject(request)), route_class, own, WINDOW_SECONDS),
        Bucket(_key(route_class, "tenant"), name, limit * TENANT_FACTOR, WINDOW_SECONDS),
    ]


def _key(*parts: str) -> str:
    return tenancy.tenant_key("rate", *parts)


def _subject(request: Request) -> str:
    """Return who is counted, without personal data in it: a principal, else an address."""
    principal = getattr(request.user, "pk", None)
    if principal is not None:
        return str(principal)
    address = client_address(request._request)
    return hashlib.sha256(address.encode()).hexdigest()[:32]


def _without_redis(route_class: str, bucket: Bucket, error: RedisError) -> bool:
    """Decide in this process alone; raises ServiceUnavailable for what may not go uncounted."""
    logger.warning("rate_limit_without_redis", extra={"error": type(error).__name__})
    if route_class in FAIL_CLOSED:
        raise ServiceUnavailable(retry_after=5)
    local_take(bucket)
    return True
