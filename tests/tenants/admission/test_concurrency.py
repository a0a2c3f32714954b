"""Places on a real Redis: exact, idempotent by holder, free again when a lease ends."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from uuid import uuid4

import pytest

from core import tenancy
from core.redis import redis_client
from core.tenancy import TenantContext
from tenants.admission.concurrency import (
    Place,
    places_held,
    places_release,
    places_renew,
    places_take,
)
from tenants.errors import ConcurrencyLimit


def fresh(limit: int) -> Place:
    return Place(f"test-{uuid4().hex}", limit)


def taken(*places: Place, holder: str = "", lease_seconds: int = 60) -> bool:
    try:
        places_take(places=places, holder=holder or uuid4().hex, lease_seconds=lease_seconds)
    except ConcurrencyLimit:
        return False
    return True


def test_take_lets_exactly_the_limit_of_parallel_calls_through(in_acme: TenantContext) -> None:
    shared = fresh(10)
    contexts = [copy_context() for _ in range(64)]
    with ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(lambda context: context.run(taken, shared), contexts)) == 10


def test_refusal_says_which_place_and_how_many(in_acme: TenantContext) -> None:
    full = fresh(0)
    with pytest.raises(ConcurrencyLimit) as refusal:
        places_take(places=[full], holder="a")
    assert refusal.value.problem()["status"] == 429
    assert refusal.value.data == {"limit": 0, "of": full.kind, "retry_after": 2}


def test_same_holder_takes_one_place(in_acme: TenantContext) -> None:
    pair = fresh(2)
    assert taken(pair, holder="a")
    assert taken(pair, holder="a")
    assert taken(pair, holder="b")
    assert not taken(pair, holder="c")
    places_release(places=[pair], holder="a")
    places_release(places=[pair], holder="a")
    assert taken(pair, holder="c")
    assert not taken(pair, holder="a")


def test_full_place_leaves_the_others_alone(in_acme: TenantContext) -> None:
    full, roomy = fresh(0), fresh(1)
    assert not taken(roomy, full)
    assert taken(roomy)


def test_lease_that_ends_frees_the_place_unless_it_is_renewed(in_acme: TenantContext) -> None:
    kept, dropped = fresh(1), fresh(1)
    for place in (kept, dropped):
        assert taken(place, holder="a", lease_seconds=1)
    places_renew(places=[kept], holder="a", lease_seconds=60)
    time.sleep(1.1)
    assert not taken(kept)
    assert taken(dropped)


def test_renewal_restores_what_redis_forgot(in_acme: TenantContext) -> None:
    place = fresh(1)
    assert taken(place, holder="a")
    redis_client().delete(place.key)
    places_renew(places=[place], holder="a")
    assert not taken(place, holder="b")


def test_block_gives_back_what_it_held_whatever_happens(in_acme: TenantContext) -> None:
    place = fresh(1)

    def work() -> None:
        with places_held(place):
            assert not taken(place)
            raise ValueError("the work failed")

    with pytest.raises(ValueError, match="failed"):
        work()
    assert taken(place)


def test_workspaces_have_places_of_their_own(acme: TenantContext, globex: TenantContext) -> None:
    place = fresh(1)
    for tenant in (acme, globex):
        with tenancy.tenant_scope(tenant):
            assert taken(place)
            assert not taken(place)
