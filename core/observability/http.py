"""Measure requests per tenant: rate, errors, duration."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from django.db import connections
from django.http import HttpRequest, HttpResponse

from core.observability.metrics import (
    OTHER,
    database_pool_waiting,
    http_request_duration_seconds,
    http_requests_total,
    http_work_duration_seconds,
    tenant_label,
)

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestMetricsMiddleware:
    """Count and time requests; stands right inside the tenant middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        tenant = tenant_label()
        method = request.method if request.method in METHODS else OTHER
        status = f"{response.status_code // 100}xx"
        http_requests_total.labels(tenant=tenant, method=method, status=status).inc()
        elapsed = time.perf_counter() - started
        http_request_duration_seconds.labels(tenant=tenant).observe(elapsed)
        http_work_duration_seconds.observe(max(0.0, elapsed - waited_seconds(request)))
        database_pool_waiting.set(_pool_waiting())
        return response


def wait_note(request: HttpRequest, seconds: float) -> None:
    """Note that a request has only waited for so long, which is no sign of load."""
    request.waited_seconds = waited_seconds(request) + seconds  # type: ignore[attr-defined]


def waited_seconds(request: HttpRequest) -> float:
    return float(getattr(request, "waited_seconds", 0.0))


def _pool_waiting() -> int:
    pool = getattr(connections["default"], "pool", None)
    return int(pool.get_stats().get("requests_waiting", 0)) if pool is not None else 0
