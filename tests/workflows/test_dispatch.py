"""Waiting runs are released fairly, never twice, never more than the workers hold, never lost."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import pytest

from conversations.models import Customer
from conversations.services import message_receive, visitor_conversation
from core import tenancy
from core.redis import redis_client
from core.tenancy import TenantContext
from tests.conftest import Plan
from tests.workflows.conftest import Say, said_by_ai
from workflows import dispatch
from workflows.dispatch import BULK, EXPRESS, Released, released_after

NOISY, QUIET, THIRD = uuid4(), uuid4(), uuid4()
EXPRESS_WINDOW, EXPRESS_PER_TENANT, BULK_WINDOW, PER_TENANT = 4, 1, 4, 3


@pytest.fixture(autouse=True)
def _own_queues(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(dispatch, "PREFIX", f"fd:test:{{{uuid4().hex}}}:")
    for name, value in {
        "RUNS_EXPRESS_WINDOW": EXPRESS_WINDOW,
        "RUNS_EXPRESS_PER_TENANT": EXPRESS_PER_TENANT,
        "RUNS_BULK_WINDOW": BULK_WINDOW,
        "RUNS_PER_TENANT": PER_TENANT,
    }.items():
        setattr(settings, name, value)
    yield
    keys = redis_client().keys(f"{dispatch.PREFIX}*")
    if keys:
        redis_client().delete(*keys)


def submit(tenant: UUID, count: int = 1) -> list[Released]:
    """Submit runs of a tenant; returns what that released."""
    return [found for _ in range(count) for found in released_after("submit", tenant, uuid4())]


def finish(released: Released) -> list[Released]:
    return released_after("finish", released.tenant_id, released.run_id)


def drained(going: list[Released]) -> Iterator[Released]:
    """Finish released runs one after the other, oldest first, and give them in that order."""
    going = list(going)
    while going:
        first = going.pop(0)
        yield first
        going += finish(first)


def tenants_of(found: list[Released]) -> Counter[UUID]:
    return Counter(released.tenant_id for released in found)


def test_first_run_goes_to_the_express_lane_and_what_piles_up_to_bulk() -> None:
    lanes = [released.lane for released in submit(NOISY, 10)]
    assert lanes == [EXPRESS] + [BULK] * (PER_TENANT - EXPRESS_PER_TENANT)


def test_flood_leaves_the_express_lane_to_others() -> None:
    submit(NOISY, 500)
    assert [released.lane for released in submit(QUIET)] == [EXPRESS]


def test_tenant_holds_no_more_than_its_tokens() -> None:
    assert len(submit(NOISY, 50)) == PER_TENANT
    assert tenants_of(submit(THIRD, 50))[THIRD] == PER_TENANT


def test_plan_gives_a_tenant_more_or_fewer_tokens_than_usual() -> None:
    def submitted(tenant: UUID, share: int | str) -> list[Released]:
        made = [released_after("submit", tenant, uuid4(), share=share) for _ in range(10)]
        return [found for part in made for found in part]

    assert len(submitted(NOISY, 4)) == 4
    assert len(submitted(QUIET, 1)) == 1
    assert len(submitted(THIRD, "default")) == 2  # express, and what is left of the bulk window


def test_dispatch_reads_the_tokens_of_the_plan(in_acme: TenantContext, plan: Plan) -> None:
    plan(concurrent_runs=1)
    assert dispatch._own_share(in_acme.id) == 1
    assert dispatch._own_share(uuid4()) == "default"


def test_lanes_never_hold_more_than_their_windows() -> None:
    held = [found for _ in range(20) for found in submit(uuid4(), 5)]
    lanes = Counter(released.lane for released in held)
    assert lanes == {EXPRESS: EXPRESS_WINDOW, BULK: BULK_WINDOW}


def test_every_run_is_released_exactly_once_and_in_its_tenants_order() -> None:
    jobs = [uuid4() for _ in range(60)]
    going = [found for job in jobs for found in released_after("submit", NOISY, job)]
    assert [released.run_id for released in drained(going)] == jobs


def test_tenants_with_work_take_turns_whatever_their_backlog() -> None:
    going = submit(NOISY, 300) + submit(QUIET, 20) + submit(THIRD, 20)
    begun = Counter(released.tenant_id for released in islice(drained(going), 64))
    assert begun[QUIET] == begun[THIRD] == 20


def test_tenant_that_was_idle_gets_no_credit_for_it() -> None:
    going = submit(NOISY, 100)
    noisy = list(islice(drained(going), 50))
    assert len(noisy) == 50
    submit(QUIET, 60)
    going = [Released(BULK, NOISY, uuid4())]
    assert tenants_of(finish(noisy[-1]))[QUIET] <= 1


def test_weight_gives_a_tenant_more_turns() -> None:
    dispatch.weight_set(tenant_id=NOISY, weight=3)
    going = submit(NOISY, 200) + submit(QUIET, 200)
    begun = Counter(released.tenant_id for released in islice(drained(going), 120))
    assert 2.5 < begun[NOISY] / begun[QUIET] < 3.5


def test_weight_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="between"):
        dispatch.weight_set(tenant_id=NOISY, weight=0)


def test_no_tenant_starves_among_many() -> None:
    crowd = [uuid4() for _ in range(200)]
    going = submit(NOISY, 1000)
    for tenant in crowd:
        going += submit(tenant, 2)
    seen = {released.tenant_id for released in islice(drained(going), 700)}
    assert set(crowd) <= seen


def test_run_submitted_twice_is_released_once() -> None:
    submit(NOISY, PER_TENANT)
    job = uuid4()
    assert released_after("submit", NOISY, job) == released_after("submit", NOISY, job) == []
    released = released_after("submit", QUIET, job)
    assert len(released) == 1
    assert released_after("submit", QUIET, job) == []


def test_released_run_without_a_worker_is_sent_again_in_its_lane() -> None:
    (released,) = submit(QUIET)
    assert released_after("resubmit", QUIET, released.run_id) == [released]


def test_waiting_run_that_lapsed_keeps_its_place() -> None:
    submit(NOISY, PER_TENANT)
    job = uuid4()
    released_after("submit", NOISY, job)
    assert released_after("resubmit", NOISY, job) == []


def test_finish_is_idempotent_and_knows_only_what_was_released() -> None:
    (released,) = submit(QUIET)
    assert released_after("finish", NOISY, released.run_id) == []
    assert finish(released) == finish(released) == []
    assert len(submit(QUIET)) == 1


def test_token_of_a_dead_worker_comes_back_with_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "LEASE_SECONDS", 0.0)
    submit(NOISY, PER_TENANT)
    monkeypatch.setattr(dispatch, "LEASE_SECONDS", 60.0)
    assert len(submit(NOISY, PER_TENANT)) == PER_TENANT


def test_parallel_changes_lose_and_double_nothing() -> None:
    jobs = [(tenant, uuid4()) for _ in range(60) for tenant in (NOISY, QUIET, THIRD)]

    def work(job: tuple[UUID, UUID]) -> list[Released]:
        found = list(released_after("submit", *job))
        return [*found, *(later for one in found for later in drained(finish(one)))]

    with ThreadPoolExecutor(8) as pool:
        released = [one for found in pool.map(work, jobs) for one in found]
    assert Counter((one.tenant_id, one.run_id) for one in released) == Counter(jobs)
    left = redis_client().zcard(f"{dispatch.PREFIX}held")
    assert left == redis_client().scard(f"{dispatch.PREFIX}queued") == 0


def test_backlog_of_a_suspended_tenant_makes_way_for_others(db: None) -> None:
    """However long it is: each run that cannot be sent makes room for the next that cannot."""
    first, *_ = submit(NOISY, 1500)
    dispatch._change("finish", NOISY, first.run_id)
    assert redis_client().scard(f"{dispatch.PREFIX}queued") == 0
    assert [released.lane for released in submit(QUIET, 2)] == [EXPRESS, BULK]


@pytest.mark.django_db(transaction=True)
def test_run_gives_its_place_back_whatever_became_of_it(
    in_acme: TenantContext, say: Say, conversation: UUID
) -> None:
    for text in ("hello", "How are you?", "hello again"):
        say(text)
    assert said_by_ai(conversation)
    assert redis_client().zcard(f"{dispatch.PREFIX}held") == 0


@pytest.mark.django_db(transaction=True)
def test_run_that_ends_lets_a_waiting_run_of_another_tenant_begin(
    in_acme: TenantContext, globex: TenantContext, say: Say, conversation: UUID, settings: Any
) -> None:
    settings.RUNS_EXPRESS_WINDOW = settings.RUNS_BULK_WINDOW = 0
    with tenancy.tenant_scope(globex):
        theirs = visitor_conversation(customer=Customer.objects.create()).pk
        message_receive(conversation_id=theirs, client_id=uuid4().hex, text="hello")
        assert said_by_ai(theirs) == []
    settings.RUNS_EXPRESS_WINDOW = settings.RUNS_BULK_WINDOW = 4
    say("hello")
    assert said_by_ai(conversation)
    with tenancy.tenant_scope(globex):
        assert said_by_ai(theirs)


def test_purge_empties_one_tenants_queue_and_no_others() -> None:
    going = [*submit(NOISY, 20), *submit(QUIET, 10)]
    going += released_after("purge", NOISY, dispatch.EVERY)
    left = tenants_of(list(drained(going)))
    assert left == {NOISY: tenants_of(going)[NOISY], QUIET: 10}
    assert redis_client().llen(f"{dispatch.PREFIX}waiting:{NOISY}") == 0
    assert redis_client().scard(f"{dispatch.PREFIX}queued") == 0
    assert submit(NOISY)  # the queue works on


def test_purge_of_one_run_leaves_the_others_in_their_order() -> None:
    going = submit(NOISY, 3)
    runs = [uuid4() for _ in range(3)]
    for run_id in runs:
        released_after("submit", NOISY, run_id)
    released_after("purge", NOISY, runs[1])
    released_after("purge", NOISY, runs[1])
    after = [released.run_id for released in drained(going)][len(going) :]
    assert after == [runs[0], runs[2]]
