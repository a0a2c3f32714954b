"""Places on a real Redis: exact over threads and processes, back when their holder is killed."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from uuid import uuid4

import pytest

from core import tenancy
from core.observability.metrics import bulkhead_rejections_total
from core.resilience import shared
from core.resilience.bulkhead import bulkhead
from core.resilience.cancellation import CancelToken, cancel_scope
from core.resilience.deadline import deadline_scope
from core.resilience.errors import BulkheadFull, Cancelled, DeadlineExceeded
from core.resilience.names import OWN, guard_name
from core.tenancy import TenantContext, TenantContextMissing
from tests.core.resilience.processes import line, worker
from tests.core.resilience.worker import at_once


@pytest.fixture
def name() -> str:
    return f"test-{uuid4().hex}"


def is_free(name: str, limit: int = 1) -> bool:
    try:
        with bulkhead(name, limit):
            return True
    except BulkheadFull:
        return False


def test_full_bulkhead_refuses_and_says_so(in_acme: TenantContext, name: str) -> None:
    with bulkhead(name, 1), pytest.raises(BulkheadFull) as caught, bulkhead(name, 1):
        pytest.fail("a second call was let in")
    assert caught.value.problem()["status"] == 503
    assert caught.value.data == {"limit": 1, "retry_after": 1}
    assert caught.value.retryable
    assert is_free(name)


def test_place_comes_back_when_the_call_fails(in_acme: TenantContext, name: str) -> None:
    with pytest.raises(ValueError, match="failed"), bulkhead(name, 1):
        raise ValueError("the call failed")
    assert is_free(name)


def test_exactly_the_limit_is_let_in_at_once(in_acme: TenantContext, name: str) -> None:
    with ExitStack() as held:

        def take() -> bool:
            try:
                held.enter_context(bulkhead(name, 5))
            except BulkheadFull:
                return False
            return True

        assert at_once(take) == 5


def test_limit_holds_over_two_processes(in_acme: TenantContext, name: str) -> None:
    with worker("hold", name, "7") as one, worker("hold", name, "7") as other:
        assert int(line(one)) + int(line(other)) == 7
        assert not is_free(name, 7)


def test_place_of_a_killed_holder_comes_back(in_acme: TenantContext, name: str) -> None:
    """The worker's lease is 30 seconds, as its deadline; the clock is Redis', so it is moved."""
    with worker("hold", name, "3") as process:
        assert line(process) == "3"
        process.kill()
    assert not is_free(name, 3)
    key = tenancy.tenant_key("bulkhead", name)
    holders: list[tuple[bytes, float]] = shared.client().zrange(key, 0, -1, withscores=True)  # type: ignore[assignment]
    for holder, ends_at in holders:
        assert 20 < ends_at - time.time() <= 30
        shared.client().zadd(key, {holder: ends_at - 30})
    assert is_free(name, 3)


def test_lease_follows_the_deadline(in_acme: TenantContext, name: str) -> None:
    with deadline_scope(300), bulkhead(name, 1) as place:
        assert 299 < place.lease_seconds <= 301
    with bulkhead(name, 1) as place:
        assert place.lease_seconds == 60


def test_renewed_place_is_kept(in_acme: TenantContext, name: str) -> None:
    with bulkhead(name, 1, lease_seconds=0.3) as place:
        for _ in range(4):
            time.sleep(0.15)
            place.renew()
        assert not is_free(name)
        time.sleep(0.4)
        assert is_free(name)


def test_longest_lease_keeps_the_key_alive(in_acme: TenantContext, name: str) -> None:
    with bulkhead(name, 2, lease_seconds=50), bulkhead(name, 2, lease_seconds=1):
        ttl = shared.client().pttl(tenancy.tenant_key("bulkhead", name))
    assert 49_000 < ttl <= 51_100


def test_waiting_call_gets_the_place_that_becomes_free(in_acme: TenantContext, name: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        with bulkhead(name, 1):

            def wait() -> float:
                began = time.monotonic()
                with bulkhead(name, 1, wait_seconds=5):
                    return time.monotonic() - began

            waiting = pool.submit(copy_context().run, wait)
            time.sleep(0.2)
        assert 0.1 < waiting.result() < 2.0


def test_waiting_ends_with_time_deadline_or_cancellation(in_acme: TenantContext, name: str) -> None:
    token = CancelToken()
    threading.Timer(0.1, token.cancel).start()
    began = time.monotonic()
    with bulkhead(name, 1):
        with cancel_scope(token), pytest.raises(Cancelled):
            bulkhead(name, 1, wait_seconds=9).__enter__()
        with deadline_scope(0.1), pytest.raises((DeadlineExceeded, BulkheadFull)):
            bulkhead(name, 1, wait_seconds=9).__enter__()
        with pytest.raises(BulkheadFull):
            bulkhead(name, 1, wait_seconds=0.1).__enter__()
    assert time.monotonic() - began < 2.0


def test_workspaces_do_not_take_each_others_places(
    acme: TenantContext, globex: TenantContext, name: str
) -> None:
    with tenancy.tenant_scope(acme), bulkhead(name, 1):
        assert not is_free(name)
        with tenancy.tenant_scope(globex):
            assert is_free(name)


def test_bulkhead_needs_a_workspace(name: str) -> None:
    with pytest.raises(TenantContextMissing), bulkhead(name, 1):
        pytest.fail("a call without a tenant was let in")


def test_without_redis_the_process_keeps_the_limit(
    in_acme: TenantContext, name: str, redis_gone: None
) -> None:
    with ExitStack() as held:

        def take() -> bool:
            try:
                held.enter_context(bulkhead(name, 5))
            except BulkheadFull:
                return False
            return True

        assert at_once(take) == 5
    assert is_free(name, 1)


def test_outage_is_told_once(
    in_acme: TenantContext, name: str, redis_gone: None, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        assert is_free(name)
    assert caplog.text.count("resilience_unshared") == 1


def test_refusals_are_counted_under_names_from_code_only(in_acme: TenantContext, name: str) -> None:
    def count(label: str) -> float:
        return float(bulkhead_rejections_total.labels(name=label)._value.get())

    declared = guard_name("test.declared")
    before = count(declared), count(OWN)
    assert not is_free(declared, 0)
    assert not is_free(name, 0)
    assert (count(declared), count(OWN)) == (before[0] + 1, before[1] + 1)
