"""How much a tenant's flood delays another tenant, and what fairness costs (`make up` first).

Part one, on the running stack: globex asks once a second and waits for its answer, first alone,
then while acme floods 2,000 conversations with a question each. Part two, with a worker of its own:
5,000 empty tasks of 1,000 tenants, drained by Celery first come first served and through the
dispatcher. Prints one JSON object on its last line. Leaves the conversations it made.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from uuid import uuid4

import django
import yaml

import config  # noqa: F401 - chooses the settings
from core import directory, tenancy

ROOT = Path(__file__).resolve().parent.parent
NOISY, QUIET = "acme", "globex"
FLOOD, FLOODERS = 2_000, 2
ALONE = 40
ANSWER_SECONDS = 120.0
TENANTS, EACH = 1_000, 5
DRAIN_SECONDS = 120.0


def questions_of(slug: str) -> list[str]:
    asked = yaml.safe_load((ROOT / "tests" / "knowledge" / "questions.yaml").read_text())
    return [item["question"] for item in asked["questions"] if item["tenant"] == slug]


def ask(text: str) -> str:
    """Say something in a new conversation of the current tenant; returns the conversation's id."""
    from conversations.models import Customer
    from conversations.services import message_receive, visitor_conversation

    conversation = visitor_conversation(customer=Customer.objects.create())
    message_receive(conversation_id=conversation.pk, client_id=uuid4().hex, text=text)
    return str(conversation.pk)


def answered_after(text: str) -> float:
    """Ask and wait for the run's end; returns milliseconds."""
    from workflows.models import Run

    began = time.perf_counter()
    conversation = ask(text)
    while time.perf_counter() - began < ANSWER_SECONDS:
        run = Run.objects.filter(conversation_id=conversation).first()
        if run is not None and not run.is_active:
            return (time.perf_counter() - began) * 1000
        time.sleep(0.002)
    raise SystemExit("A quiet tenant's question was not answered.")


def runs_active() -> int:
    from workflows.models import ACTIVE_STATUSES, Run

    return Run.objects.filter(status__in=ACTIVE_STATUSES).count()


class Flood:
    """One tenant asking without a pause, in a process of its own, as the other's caller is not."""

    def __init__(self, tenant: tenancy.TenantContext) -> None:
        self.tenant = tenant
        command = [sys.executable, "-m", "bench.support.fairness_flood"]
        arguments = [NOISY, str(FLOOD), str(FLOODERS)]
        self.process = subprocess.Popen([*command, *arguments], cwd=ROOT)  # noqa: S603 - ours

    def goes_on(self) -> bool:
        """Return whether it asks or is being answered; raises SystemExit when it broke off."""
        code = self.process.poll()
        if code:
            raise SystemExit("The flood broke off.")
        with tenancy.tenant_scope(self.tenant):
            return code is None or runs_active() > 0


def quiet_times(tenant: tenancy.TenantContext, goes_on: Iterator[bool]) -> list[float]:
    """Ask once a second as long as `goes_on`; returns each answer's milliseconds."""
    times = []
    with tenancy.tenant_scope(tenant):
        for text, more in zip(cycle(questions_of(QUIET)), goes_on, strict=False):
            if not more:
                break
            began = time.perf_counter()
            times.append(answered_after(text))
            time.sleep(max(0.0, 1.0 - (time.perf_counter() - began)))
    return times


def flood_measure() -> dict[str, object]:
    with tenancy.public_scope():
        tenants = {tenant.slug: tenant for tenant in directory.tenants_active()}
    quiet_times(tenants[QUIET], iter([True] * 5))  # caches warm up
    alone = quiet_times(tenants[QUIET], iter([True] * ALONE))
    began = time.perf_counter()
    flood = Flood(tenants[NOISY])
    flooded = quiet_times(tenants[QUIET], iter(flood.goes_on, None))
    seconds = time.perf_counter() - began
    quiet, noisy = p95(alone), p95(flooded)
    return {
        "quiet_p50_alone_ms": round(statistics.median(alone), 1),
        "quiet_p50_flooded_ms": round(statistics.median(flooded), 1),
        "quiet_p95_alone_ms": round(quiet, 1),
        "quiet_p95_flooded_ms": round(noisy, 1),
        "ratio": round(noisy / quiet, 2),
        "quiet_asked": len(flooded),
        "flood_runs_per_s": round(FLOOD / seconds, 1),
    }


def p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


@contextmanager
def worker() -> Iterator[None]:
    """Run a Celery worker for the empty tasks."""
    from bench.support.fairness_tasks import QUEUE

    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "bench.support.fairness_tasks",
        "worker",
        "-Q",
        QUEUE,
    ]
    options = ["--pool=threads", "--concurrency=8", "--loglevel=ERROR", "--without-gossip"]
    process = subprocess.Popen([*command, *options], cwd=ROOT, env={**os.environ})  # noqa: S603
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def drained_after(count: int) -> float:
    """Wait until the worker has done `count` tasks; returns seconds."""
    from bench.support.fairness_tasks import DONE
    from core.redis import redis_client

    began = time.perf_counter()
    while int(redis_client().get(DONE) or 0) < count:
        if time.perf_counter() - began > DRAIN_SECONDS:
            raise SystemExit("The tasks were not drained.")
        time.sleep(0.01)
    seconds = time.perf_counter() - began
    redis_client().delete(DONE)
    return seconds


def drain_measure() -> dict[str, object]:
    """Drain the same tasks both ways; the worker begins when all of them wait."""
    from bench.support import fairness_tasks
    from bench.support.fairness_tasks import PREFIX
    from core.redis import redis_client
    from workflows.dispatch import released_after

    count = TENANTS * EACH
    redis_client().delete(fairness_tasks.DONE)
    with worker():
        fairness_tasks.fifo.apply_async()
        drained_after(1)
        began = time.perf_counter()
        for _ in range(count):
            fairness_tasks.fifo.apply_async()
        drained_after(count)
        fifo = time.perf_counter() - began
        tenants = [uuid4() for _ in range(TENANTS)]
        began = time.perf_counter()
        for _ in range(EACH):
            for tenant in tenants:
                fairness_tasks.send(released_after("submit", tenant, uuid4(), prefix=PREFIX))
        drained_after(count)
        fair = time.perf_counter() - began
    left = redis_client().keys(f"{PREFIX}*")
    if left:
        redis_client().delete(*left)
    return {
        "drain_fifo_s": round(fifo, 2),
        "drain_fair_s": round(fair, 2),
        "drain_ratio_to_fifo": round(fair / fifo, 2),
    }


def main() -> None:
    """Measure both parts and print them."""
    django.setup()
    with tenancy.public_scope():
        drained = drain_measure()
    print(json.dumps({**flood_measure(), **drained}))


if __name__ == "__main__":
    main()
