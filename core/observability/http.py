"""Measure requests per tenant: rate, errors, duration."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

from core.observability.metrics import (
    OTHER,
    http_request_duration_seconds,
    http_requests_total,
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
        http_request_duration_seconds.labels(tenant=tenant).observe(time.perf_counter() - started)
        return response
