"""The tasks that `bench.fairness` drains: first come first served, or fairly released."""

from __future__ import annotations

from uuid import UUID

from celery import current_app

from config.celery import app
from core.redis import redis_client
from core.tasks import platform_task
from workflows import dispatch

DONE = "fd:bench:fairness:done"
QUEUE = "bench-fairness"
PREFIX = "fd:bench:{fairness}:"

__all__ = ["app"]  # what `celery -A bench.support.fairness_tasks` looks for


@platform_task("bench.fifo", queue=QUEUE)
def fifo() -> None:
    redis_client().incr(DONE)


@platform_task("bench.fair", queue=QUEUE)
def fair(*, tenant_id: str, run_id: str) -> None:
    redis_client().incr(DONE)
    send(dispatch.released_after("finish", UUID(tenant_id), UUID(run_id), prefix=PREFIX))


def send(released: list[dispatch.Released]) -> None:
    """Send what was released, as the dispatcher does for runs."""
    for found in released:
        kwargs = {"tenant_id": str(found.tenant_id), "run_id": str(found.run_id)}
        current_app.signature("bench.fair", kwargs=kwargs).apply_async(queue=QUEUE)
