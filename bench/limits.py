"""Count what a limit of 100 lets through of 200 concurrent calls, on a Redis of its own.

Twice, with a kill -9 and a restart of that Redis between. Half of the calls come from other
processes. DRF's stock throttle runs at the same limit beside it. The last line is one JSON object:
allowed, rate_allowed, leaked_reservations, check_p50_us, check_p95_us, drf_allowed.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import django

import config  # noqa: F401 - chooses the settings
from config.embedded import EmbeddedRedis, server_running
from core import tenancy
from core.tenancy import TenantContext

LIMIT = 100
PROCESSES = 4
THREADS = 50
CHECKS = 3000
TENANT = TenantContext(uuid.UUID(int=7), "t_bench", "bench")
STARTS_AT = datetime(2026, 1, 1, tzinfo=UTC)
Call = Callable[[], bool]


def reserve(name: str) -> bool:
    """Reserve one of the quota and settle it; False when it is used up."""
    from tenants.admission.quota import Quota, quota_reserve, quota_settle
    from tenants.errors import QuotaExceeded

    quota = Quota(name, LIMIT, STARTS_AT, STARTS_AT + timedelta(days=31))
    reservation = uuid.uuid4().hex
    with tenancy.tenant_scope(TENANT):
        try:
            quota_reserve(quota=quota, reservation_id=reservation)
        except QuotaExceeded:
            return False
        quota_settle(quota=quota, reservation_id=reservation, amount=1)
    return True


def take(name: str) -> bool:
    """Take one token of a bucket that refills too slowly to matter."""
    from tenants.admission.rate import Bucket, take

    return take(buckets=[Bucket(f"bench:{name}", "bench", LIMIT, 360_000)]).allowed


def drf_take(name: str) -> bool:
    """Ask DRF's own throttle, with its history in the same Redis."""
    from django.core.cache.backends.redis import RedisCache
    from rest_framework.request import Request
    from rest_framework.test import APIRequestFactory
    from rest_framework.throttling import AnonRateThrottle
    from rest_framework.views import APIView

    class Stock(AnonRateThrottle):
        rate = f"{LIMIT}/day"
        cache = RedisCache(os.environ["BENCH_REDIS_URL"], {"KEY_PREFIX": name})

    return bool(Stock().allow_request(Request(APIRequestFactory().get("/")), APIView()))


KINDS = {"quota": reserve, "rate": take, "drf": drf_take}


def setup(url: str) -> None:
    """Point this process at the bench's Redis."""
    from django.conf import settings

    django.setup()
    settings.REDIS_URL = url
    from tenants.admission import quota

    quota._readers.clear()  # the bench has no ledger: a lost counter starts at nothing


def worker(kind: str, name: str, url: str, start: float) -> int:
    """Run this process's share of the calls at once; return how many passed."""
    os.environ["BENCH_REDIS_URL"] = url
    setup(url)
    barrier = Barrier(THREADS)

    def call(_: int) -> bool:
        barrier.wait()
        time.sleep(max(0.0, start - time.time()))
        return KINDS[kind](name)

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(call, range(THREADS)))


def allowed(kind: str, url: str) -> int:
    """Return how many of 200 concurrent calls passed."""
    name = f"{kind}-{uuid.uuid4().hex}"
    start = time.time() + 5
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES) as pool:
        return sum(pool.starmap(worker, [(kind, name, url, start)] * PROCESSES, chunksize=1))


def leaked() -> int:
    """Return how much is still reserved in any counter."""
    from core.redis import redis_client

    client = redis_client()
    keys = list(client.scan_iter("fd:*:quota:*:amounts"))
    return sum(int(value) for key in keys for value in client.hvals(key))


def check_times() -> list[float]:
    """Return the microseconds of single checks of two buckets."""
    from tenants.admission.rate import Bucket, take

    pair = [Bucket(f"bench:time:{n}", "bench", 10**6, 60) for n in range(2)]
    times = []
    for _ in range(CHECKS):
        began = time.perf_counter()
        take(buckets=pair)
        times.append((time.perf_counter() - began) * 1_000_000)
    return times


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def round_run(url: str) -> tuple[int, int]:
    """Return what the quota and the bucket let through of 200 calls each."""
    return allowed("quota", url), allowed("rate", url)


def main() -> int:
    """Run both rounds; 0 only if each let exactly the limit through and nothing leaked."""
    with tempfile.TemporaryDirectory() as directory:
        server = EmbeddedRedis(Path(directory), free_port(), uuid.uuid4().hex)
        log = Path(directory) / "redis.log"
        setup(server.url)
        with server_running(server, log) as process:
            first = round_run(server.url)
            drf = allowed("drf", server.url)
            process.kill()
            process.wait()
        with server_running(server, log):
            second = round_run(server.url)
            cuts = statistics.quantiles(check_times(), n=20)
            held = leaked()
    result = {
        "allowed": [first[0], second[0]],
        "rate_allowed": [first[1], second[1]],
        "leaked_reservations": held,
        "check_p50_us": round(cuts[9]),
        "check_p95_us": round(cuts[18]),
        "drf_allowed": drf,
    }
    print(json.dumps(result))
    return 0 if first == second == (LIMIT, LIMIT) and not held else 1


if __name__ == "__main__":
    sys.exit(main())
