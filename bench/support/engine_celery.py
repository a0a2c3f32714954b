"""Ours through Celery: runs started by the service, dispatched, driven by a worker of its own.

The module is both ends: the caller's process, and what `celery -A` loads, so that the worker knows
the measured step. Each caller has a tenant of its own, as the dispatcher serves them at once; the
runs of one tenant that pile up would wait for one another, which is its purpose. The worker says in
Redis when a task is over, so that nothing of a caller's waiting is polling.
"""

from __future__ import annotations

import time
from itertools import count
from typing import Any
from uuid import uuid4

import django
from celery.signals import task_postrun, worker_ready

from bench.support import engine_steps
from bench.support.engine_driver import Call, serve
from config.celery import app
from core import directory, tenancy
from core.redis import redis_client

DONE = "fd:bench:engine:done:"
READY = "fd:bench:engine:ready"
READY_SECONDS = 60
WAIT_SECONDS = 4  # below the client's socket timeout
FORGET_SECONDS = 60

__all__ = ["app"]  # what `celery -A bench.support.engine_celery` looks for

numbers = count()
engine_steps.register()  # in both: the service reads the published text


@worker_ready.connect
def _ready_say(**_: Any) -> None:
    redis_client().set(READY, 1)


@task_postrun.connect
def _over_say(task: Any = None, kwargs: dict[str, str] | None = None, **_: Any) -> None:
    """Tell the caller; by then the run's last commit and its place given back lie behind."""
    if task is not None and task.name == "workflows.run" and kwargs:
        key = DONE + kwargs["run_id"]
        pipe = redis_client().pipeline(transaction=False)
        pipe.lpush(key, 1)
        pipe.expire(key, FORGET_SECONDS)
        pipe.execute()


def prepare() -> Call:
    """Return what starts a run in the caller's own tenant and waits for its end."""
    from workflows.services import run_start

    _worker_wait()
    slug = engine_steps.slug(next(numbers) % engine_steps.TENANTS)
    with tenancy.public_scope():
        [tenant] = [each for each in directory.tenants_active() if each.slug == slug]

    def call() -> None:
        with tenancy.tenant_scope(tenant):
            started = run_start(
                workflow=engine_steps.WORKFLOW,
                conversation_id=None,
                trigger_event_id=uuid4(),
                input={},
            )
        if redis_client().blpop([f"{DONE}{started.id}"], timeout=WAIT_SECONDS) is None:
            raise TimeoutError(f"Run {started.id} was not driven.")

    return call


def _worker_wait() -> None:
    """Wait for the worker: while a run of a tenant waits, its next would go to the bulk lane."""
    until = time.monotonic() + READY_SECONDS
    while not redis_client().exists(READY):
        if time.monotonic() > until:
            raise TimeoutError("The worker did not start.")
        time.sleep(0.1)


if __name__ == "__main__":
    django.setup()
    serve(prepare)
