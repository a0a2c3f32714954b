"""A second process that uses the guards: `python -m tests.core.resilience.worker ACT TENANT ...`.

hold NAME LIMIT   take places from 16 threads at once, hold them until stdin ends; prints how many
probe NAME RESET  call through a breaker from 16 threads at once; prints how many got through
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from uuid import UUID

from django.conf import settings

from core import tenancy

THREADS = 16


def at_once(work: Callable[[], bool]) -> int:
    """Return for how many threads the work said yes."""
    contexts = [copy_context() for _ in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(lambda context: context.run(work), contexts))


def hold(name: str, limit: str) -> None:
    from contextlib import ExitStack

    from core.resilience.bulkhead import bulkhead
    from core.resilience.errors import BulkheadFull

    with ExitStack() as held:

        def take() -> bool:
            try:
                held.enter_context(bulkhead(name, int(limit), lease_seconds=30))
            except BulkheadFull:
                return False
            return True

        print(at_once(take), flush=True)
        sys.stdin.read()


def probe(name: str, reset_seconds: str) -> None:
    from core.resilience.breaker import breaker
    from core.resilience.errors import BreakerOpen

    def call() -> bool:
        try:
            with breaker(name, failures=1, reset_seconds=float(reset_seconds)):
                time.sleep(1.0)
        except BreakerOpen:
            return False
        return True

    print("ready", flush=True)
    sys.stdin.readline()
    print(at_once(call), flush=True)


def main(act: str, tenant: str, *args: str) -> None:
    settings.REDIS_URL = os.environ[
        "WORKER_REDIS_URL"
    ]  # test processes have databases of their own
    with tenancy.tenant_scope(tenancy.TenantContext(UUID(tenant), "t_test", "test")):
        {"hold": hold, "probe": probe}[act](*args)


if __name__ == "__main__":
    main(*sys.argv[1:])
