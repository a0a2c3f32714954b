"""Admission of REST calls: a throttle that asks, a middleware that tells."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core import tenancy
from core.errors import RateLimited
from tenants.admission.admit import admit
from tenants.admission.rate import Verdict
from tenants.models import ApiKey
from tenants.threats.blocks import address_subject
from tenants.threats.detect import refused_by_rate
from tenants.threats.types import Subject, SubjectKind
from tenants.throttle import client_address


class AdmissionThrottle(BaseThrottle):
    """Admit a call by its route class; raises what refuses it."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if tenancy.current() is None:
            return True
        admission = admit(
            purpose=_route_class(request, view),
            subject=_subject(request),
            own_limit=getattr(request.auth, "requests_per_minute", None),
        )
        request._request.rate_verdict = admission.verdict  # type: ignore[attr-defined]
        if isinstance(admission.refusal, RateLimited):
            _refusal_note(request)
        admission.enforce()
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


def _refusal_note(request: Request) -> None:
    """Count the refusal: a client that goes on regardless is blocked for a while."""
    address = client_address(request._request)
    subject = address_subject(address)
    if isinstance(request.auth, ApiKey):
        subject = Subject(SubjectKind.API_KEY, str(request.auth.pk), subject.network)
    refused_by_rate(subject=subject, address=address)


def _route_class(request: Request, view: Any) -> str:
    """Return what the view declares in `route_classes` for the method, else read or write."""
    default = "read" if request.method in ("GET", "HEAD", "OPTIONS") else "write"
    declared: dict[str, str] = getattr(view, "route_classes", {})
    return declared.get(str(request.method), default)


def _subject(request: Request) -> str:
    """Return who is counted, without personal data in it: a principal, else an address."""
    principal = getattr(request.user, "pk", None)
    if principal is not None:
        return str(principal)
    address = client_address(request._request)
    return hashlib.sha256(address.encode()).hexdigest()[:32]
