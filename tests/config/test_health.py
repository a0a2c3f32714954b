"""/healthz, /readyz and /metrics: on any host, honest, and without secrets."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from core import tenancy
from core.events.models import Delivery
from core.observability import checks, heartbeat
from core.observability.asgi import health_application
from core.observability.checks import CheckResult
from core.redis import redis_client

HOSTS = ("localhost", "127.0.0.1", "acme.localhost", "nobody.localhost", "10.1.2.3:8000")
COMPONENTS = ("relay", "worker-runs", "worker-runs-bulk", "worker-ingest")


@pytest.fixture(autouse=True)
def _clean_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "_written_at", {})
    for component in COMPONENTS:
        redis_client().delete(f"fd:platform:heartbeat:{component}")


@pytest.fixture
def all_alive(_clean_heartbeats: None, db: None) -> None:
    """Let every component live, and nothing that the suite has committed wait for a relay."""
    with tenancy.platform_scope():
        Delivery.objects.filter(state=Delivery.State.PENDING).update(state=Delivery.State.DONE)
    for component in COMPONENTS:
        heartbeat.heartbeat_touch(component)


@pytest.mark.parametrize("host", HOSTS)
def test_liveness_answers_on_any_host(client: Client, host: str) -> None:
    response = client.get("/healthz", headers={"host": host})
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("host", HOSTS)
def test_readiness_is_green_when_all_is_well(client: Client, all_alive: None, host: str) -> None:
    response = client.get("/readyz", headers={"host": host})
    report = response.json()
    assert response.status_code == 200, report
    assert set(report["checks"]) == {"database", "redis", "migrations", "relay", "workers"}


@pytest.mark.usefixtures("db")
def test_readiness_names_the_missing_worker(client: Client, all_alive: None) -> None:
    heartbeat.heartbeat_clear("worker-ingest")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["workers"] == {
        "ok": False,
        "detail": "no worker alive for ingest",
        "ms": response.json()["checks"]["workers"]["ms"],
    }


@pytest.mark.usefixtures("db")
def test_load_balancer_may_ask_for_some_checks(client: Client) -> None:
    response = client.get("/readyz?checks=database,redis,migrations")
    assert response.status_code == 200
    assert len(response.json()["checks"]) == 3
    assert client.get("/readyz?checks=database,moon").status_code == 400


def test_unreachable_service_is_a_bad_answer_without_details() -> None:
    def failing() -> CheckResult:
        raise ConnectionError("postgresql://frontdesk:hush@db.internal")

    found = checks.check_run("database", failing)
    assert not found.is_ok
    assert "hush" not in found.detail
    assert found.remedy


@pytest.mark.usefixtures("db")
def test_unapplied_migration_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_migrated", False)
    assert checks.migrations_check().is_ok
    monkeypatch.setattr(checks, "_migrated", False)
    monkeypatch.setattr(checks, "_migrations_pending", lambda: ["core.0099_next"])
    found = checks.migrations_check()
    assert (found.is_ok, found.detail) == (False, "1 not applied, first core.0099_next")


@pytest.mark.usefixtures("db")
def test_metrics_show_requests_by_tenant_with_bounded_labels(client: Client) -> None:
    client.get("/metrics")
    body = client.get("/metrics").content.decode()
    assert "router_misroute_rate 0.0" in body
    assert "ws_backpressure_drops" in body
    assert "outbox_pending " in body


async def test_realtime_process_answers_health_and_nothing_else() -> None:
    assert await _get("/healthz") == (200, b'{"status": "alive"}')
    assert (await _get("/api/v1/"))[0] == 404


async def _get(path: str) -> tuple[int, bytes]:
    scope: dict[str, Any] = {
        **{"type": "http", "method": "GET", "path": path, "query_string": b""},
        **{"headers": [], "server": ("127.0.0.1", 8001), "scheme": "http", "http_version": "1.1"},
    }
    sent: list[Any] = []

    async def send(event: Any) -> None:
        sent.append(event)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    await health_application(scope, receive, send)  # type: ignore[arg-type]
    return sent[0]["status"], sent[1]["body"]
