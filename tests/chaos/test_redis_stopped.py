"""kill -9 of Redis: visitors are answered by the local model, nothing is spent, nothing leaks."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from config.embedded import EmbeddedRedis, server_running
from conversations import services as conversations
from conversations.models import Message
from core import tenancy
from core.events.relay import relay_once
from core.redis import redis_client
from core.tenancy import TenantContext
from knowledge.models import Document
from routing.services import completion_generate, policy_update
from routing.types import Tier
from tenants.admission.current import METERED, quota_current
from tenants.admission.holds import quotas_reconcile
from tenants.admission.local import local_forget
from tenants.admission.quota import quota_held
from tests.conftest import Plan
from tests.conversations.lines import Realtime
from tests.routing.test_spending import EVIDENCE, PaidProvider
from workflows import stranded
from workflows.models import Run
from workflows.versions import workflow_publish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

HELLO = (
    'name: customer_support\nversion: "9"\nsteps:\n'
    "  - {id: hello, type: reply, config: {text: Hello}}\n"
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A Redis of this test's own, which it may kill."""

    def __init__(self, folder: Path) -> None:
        self.server = EmbeddedRedis(folder, free_port(), uuid.uuid4().hex)
        self.log = folder / "redis.log"
        self._running = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = self._running.enter_context(server_running(self.server, self.log))

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def close(self) -> None:
        self._running.close()


@pytest.fixture
def redis_server(tmp_path: Path, settings: Settings, world: Any) -> Iterator[Server]:
    """Run a Redis for this test and point this process at it."""
    server = Server(tmp_path)
    server.start()
    settings.REDIS_URL = server.server.url
    redis_client.cache_clear()
    yield server
    server.close()
    redis_client.cache_clear()
    local_forget()


@pytest.fixture(autouse=True)
def _workflow(redis_server: Server, plan: Plan, acme: TenantContext, globex: TenantContext) -> None:
    for tenant in (acme, globex):
        plan(tenant.slug, messages=100, runs=100, ai_replies=100, documents=100)
        with tenancy.tenant_scope(tenant):
            workflow_publish(source=HELLO, published_by=None)


def chat(key: str, slug: str = "acme", text: str = "hi") -> Any:
    client = Client(headers={"host": f"{slug}.localhost", "Authorization": f"Bearer {key}"})
    return client.post(
        "/api/v1/chat/message",
        {"message": text, "user_id": uuid.uuid4().hex},
        content_type="application/json",
        headers={"Prefer": "wait=10"},
    )


def held() -> int:
    return sum(quota_held(quota=quota) for meter in METERED if (quota := quota_current(meter)))


def used(meter: str) -> int:
    quota = quota_current(meter)
    assert quota is not None
    return int(redis_client().hget(quota.keys[0], "used") or 0)


def test_rest_callers_are_answered_while_redis_is_gone_and_counted_afterwards(
    redis_server: Server, api_key: Callable[..., str], acme: TenantContext, globex: TenantContext
) -> None:
    scopes = ("conversations:write", "conversations:read")
    keys = {slug: api_key(slug, *scopes) for slug in ("acme", "globex")}
    assert chat(keys["acme"]).json()["reply"]["text"] == "Hello"
    redis_server.kill()
    for slug, key in keys.items():
        answer = chat(key, slug)
        assert (answer.status_code, answer.json()["status"]) == (200, "answered"), answer.content
    redis_server.start()
    assert chat(keys["acme"]).json()["status"] == "answered"
    with tenancy.tenant_scope(acme):
        assert Run.objects.count() == 3
        assert set(Run.objects.values_list("status", flat=True)) == {"completed"}
        assert held() == 0
        assert used("messages") == used("runs") == 2
    with ThreadPoolExecutor(2) as pool:
        until = time.monotonic() + 20
        while not _is_metered(acme, 3) and time.monotonic() < until:
            relay_once(pool)
    with tenancy.tenant_scope(acme):
        quotas_reconcile()
        assert used("messages") == used("runs") == used("ai_replies") == 3
        assert held() == 0


def _is_metered(tenant: TenantContext, count: int) -> bool:
    from billing.models import UsageEntry

    with tenancy.tenant_scope(tenant):
        return UsageEntry.objects.filter(meter="ai_replies").count() == count


def test_visitors_socket_is_answered_at_once_while_redis_is_gone(
    redis_server: Server, acme: TenantContext
) -> None:
    with tenancy.tenant_scope(acme):
        widget = conversations.widget_ensure()
        session = conversations.visitor_session_start(key=widget.key, origin="")
    with OwnSockets() as realtime:
        with realtime.line("acme", "/ws/chat/", token=session.visitor_token) as line:
            line.say("hello")
            line.hear("status")
            redis_server.kill()
            line.say("message", client_id="c-1", text="hi")
            assert line.hear("accepted", wait=10)["client_id"] == "c-1"
            assert line.hear("message", wait=10, author="ai")["text"] == "Hello"
        with realtime.line("acme", "/ws/chat/", token=session.visitor_token) as line:
            line.say("hello")
            assert line.hear("message", wait=10, author="ai")["text"] == "Hello"


class OwnSockets:
    """The project's sockets on a free port, with a hub of their own."""

    def __enter__(self) -> Realtime:
        from config.asgi import application

        config = uvicorn.Config(
            application, host="127.0.0.1", port=0, log_level="warning", lifespan="off",
            ws="core.realtime.protocol:WebSocketProtocol",
        )  # fmt: skip
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        return Realtime(self.server.servers[0].sockets[0].getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(10)


def test_widget_lets_visitors_in_while_redis_is_gone(
    redis_server: Server, acme: TenantContext
) -> None:
    with tenancy.tenant_scope(acme):
        key = conversations.widget_ensure().key
    redis_server.kill()
    client = Client(headers={"host": "acme.localhost"})
    answer = client.post("/widget/session", {"key": key}, content_type="application/json")
    assert answer.status_code == 200
    assert answer.json()["visitor_token"]


def test_when_too_many_runs_are_stranded_people_answer(
    redis_server: Server,
    api_key: Callable[..., str],
    acme: TenantContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stranded, "_places", threading.BoundedSemaphore(1))
    assert stranded._places.acquire(blocking=False)
    redis_server.kill()
    answer = chat(api_key("acme", "conversations:write", "conversations:read"))
    assert (answer.status_code, answer.json()["status"]) == (200, "with_person")
    assert answer["Frontdesk-Degraded"] == "overloaded"
    with tenancy.tenant_scope(acme):
        assert Message.objects.filter(author="visitor").count() == 1


def test_uploads_are_refused_and_remote_models_not_paid_while_redis_is_gone(
    redis_server: Server,
    api_key: Callable[..., str],
    acme: TenantContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from routing.providers import registry

    paid = PaidProvider()
    monkeypatch.setitem(registry.PROVIDERS, "paid", lambda: paid)
    registry.provider_get.cache_clear()
    key = api_key("acme", "knowledge:write", "knowledge:read")
    redis_server.kill()
    client = Client(headers={"host": "acme.localhost", "Authorization": f"Bearer {key}"})
    refusal = client.post("/api/v1/documents", {"file": SimpleUploadedFile("a.md", b"# A\n\nB.")})
    assert refusal.status_code == 503
    assert int(refusal["Retry-After"]) > 0
    with tenancy.tenant_scope(acme):
        assert Document.objects.count() == 0
        policy_update(providers={Tier.LLM: "paid"})
        completion = completion_generate(tier=Tier.LLM, question="How long?", evidence=EVIDENCE)
        assert (completion.provider, paid.calls) == ("local", 0)
        redis_server.start()
        completion = completion_generate(tier=Tier.LLM, question="How long?", evidence=EVIDENCE)
        assert (completion.provider, paid.calls, held()) == ("paid", 1, 0)
