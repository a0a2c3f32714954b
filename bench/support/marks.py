"""Data that carry their tenant's mark, and operations that look for anybody else's."""

from __future__ import annotations

from typing import Any

from celery import Task
from django.core.cache import cache

from commerce.models import Product
from core import tenancy
from core.redis import redis_client
from core.tasks import TenantTask, task
from tenants.models import ApiKey

QUEUE = "bench-isolation"
TALLY = "fd:bench:isolation"  # of no tenant: the bench counts here what its workers saw


def touch(*, mark: str, turn: int) -> int:
    """Do one operation in the current tenant; returns 1 if it met another tenant's data."""
    operation = (_read, _write, _shared, _cached, _keyed)[turn % 5]
    return int(operation(mark) != {mark})


def _read(mark: str) -> set[str]:
    return set(Product.objects.values_list("name", flat=True))


def _write(mark: str) -> set[str]:
    """Write to every row there is: one of another tenant's would count too."""
    changed = Product.objects.update(description=mark)
    seen = set(Product.objects.values_list("description", flat=True))
    return seen if changed == 1 else {"nobody's"}


def _shared(mark: str) -> set[str]:
    """Read a shared table without a filter: only row-level security confines it."""
    return set(ApiKey.objects.values_list("name", flat=True))


def _cached(mark: str) -> set[str]:
    cache.set("bench-mark", mark, 600)
    return {str(cache.get("bench-mark"))}


def _keyed(mark: str) -> set[str]:
    key = tenancy.tenant_key("bench-mark")
    client = redis_client()
    client.set(key, mark, ex=600)
    found = client.get(key)
    return {found.decode() if isinstance(found, bytes) else str(found)}


@task("bench.touch", queue=QUEUE, bind=True)
def touch_task(self: Task[Any, Any], *, mark: str, turns: int) -> None:
    """Do a run of operations in the worker and add what it saw to the tally."""
    assert isinstance(self, TenantTask)
    crossed = sum(touch(mark=mark, turn=turn) for turn in range(turns))
    client = redis_client()
    client.hincrby(TALLY, "crossed", crossed)
    client.hincrby(TALLY, "done", turns)
