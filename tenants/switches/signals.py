"""What the load monitor reads, and which switch it throws at which level."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from celery import current_app
from prometheus_client import REGISTRY, CollectorRegistry, multiprocess
from prometheus_client.metrics_core import Metric

from core.events.backlog import backlog_read
from core.redis import redis_client
from tenants.switches.types import Switch

_DURATIONS: Final = "http_work_duration_seconds"
_WAITING: Final = "database_pool_waiting"
# Too few requests say nothing about how slow they are.
_MIN_REQUESTS: Final = 50


@dataclass(frozen=True, slots=True)
class Signal:
    """A reading of the whole installation: `switch` goes on at `on_at` and off at `off_at`.

    `read` returns None where there is nothing to tell, which counts as calm.
    """

    name: str
    switch: Switch
    on_at: float
    off_at: float
    read: Callable[[], float | None]


_registered: dict[str, Signal] = {}


def signal_register(signal: Signal) -> None:
    """Let an app say what the monitor reads. Idempotent by name."""
    _registered[signal.name] = signal


def signals_all() -> list[Signal]:
    return list(_registered.values())


def outbox_lag() -> float:
    """Return for how many seconds the oldest delivery has been due."""
    return backlog_read().lag_seconds


def ingest_depth() -> float:
    """Return how many documents wait for a worker."""
    prefix = current_app.conf.broker_transport_options.get("global_keyprefix", "")
    return float(redis_client().llen(f"{prefix}ingest"))


class SlowRequests:
    """The time within which 95 of 100 requests since the last reading were answered."""

    def __init__(self) -> None:
        self._before: Mapping[float, float] = {}

    def __call__(self) -> float | None:
        """Return an upper bound in seconds, or None for too few requests."""
        now = buckets_read(_metrics())
        since = {bound: count - self._before.get(bound, 0.0) for bound, count in now.items()}
        self._before = now
        return percentile(since, 0.95)


def buckets_read(metrics: Iterable[Metric]) -> dict[float, float]:
    """Return the cumulative counts of requests by upper bound."""
    found: dict[float, float] = {}
    for metric in metrics:
        for sample in metric.samples if metric.name == _DURATIONS else ():
            if sample.name == f"{_DURATIONS}_bucket":
                bound = float(sample.labels["le"])
                found[bound] = found.get(bound, 0.0) + sample.value
    return found


def pool_waiting() -> float:
    """Return how many requests wait for a database connection in the process that has most."""
    found = [s.value for m in _metrics() if m.name == _WAITING for s in m.samples]
    return max(found, default=0.0)


def percentile(buckets: Mapping[float, float], share: float) -> float | None:
    """Return the least upper bound that holds a share of what a histogram counted."""
    total = buckets.get(float("inf"), 0.0)
    if total < _MIN_REQUESTS:
        return None
    return min(bound for bound, count in buckets.items() if count >= share * total)


def _metrics() -> Iterable[Metric]:
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY.collect()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry.collect()


signal_register(Signal("outbox_lag", Switch.ANALYTICS_OFF, 60.0, 10.0, outbox_lag))
signal_register(Signal("ingest_depth", Switch.UPLOADS_OFF, 2_000.0, 500.0, ingest_depth))
signal_register(Signal("pool_waiting", Switch.API_READS_OFF, 8.0, 1.0, pool_waiting))
signal_register(Signal("slow_requests", Switch.API_READS_OFF, 5.0, 1.0, SlowRequests()))
