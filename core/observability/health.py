"""`/healthz`, `/readyz` and `/metrics`: plain views that answer on any host, without a tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse

from core.observability.checks import READINESS, check_run, queues_check, relay_check
from core.observability.metrics import metrics_render

HealthView = Callable[[HttpRequest], HttpResponse]


def healthz(_: HttpRequest) -> HttpResponse:
    """Say that this process answers at all; asks nobody else."""
    return JsonResponse({"status": "alive"})


def readiness(names: Iterable[str]) -> tuple[bool, dict[str, Any]]:
    """Run the named readiness checks; return whether all are well, and the report."""
    results = [check_run(name, READINESS[name]) for name in names]
    is_ready = all(result.is_ok for result in results)
    checks = {
        result.name: {"ok": result.is_ok, "detail": result.detail, "ms": result.milliseconds}
        for result in results
    }
    return is_ready, {"status": "ready" if is_ready else "not ready", "checks": checks}


def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether this process and all it depends on can serve.

    `?checks=database,redis` limits the question: a load balancer should not take every web process
    out because a worker is missing.
    """
    asked = [name for name in request.GET.get("checks", "").split(",") if name]
    unknown = sorted(set(asked) - READINESS.keys())
    if unknown:
        return JsonResponse({"status": "unknown check", "known": list(READINESS)}, status=400)
    is_ready, report = readiness(asked or READINESS)
    response = JsonResponse(report, status=200 if is_ready else 503)
    # Whoever asks sees the answer; Django would log each "not ready" as a server error.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def metrics(_: HttpRequest) -> HttpResponse:
    """Return the Prometheus exposition of every process of this host."""
    for name, check in (("queues", queues_check), ("relay", relay_check)):
        check_run(name, check)  # each sets its gauges
    body, content_type = metrics_render()
    return HttpResponse(body, content_type=content_type)


HEALTH_VIEWS: Final[dict[str, HealthView]] = {
    "/healthz": healthz,
    "/readyz": readyz,
    "/metrics": metrics,
}
