"""Whenever a worker dies, another goes on behind its last commit: nothing is done twice."""

import time
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from core.tenancy import TenantContext
from tests.services import SUPERUSER
from tests.workflows.engine_steps import Bench, Crash, engine_bench, lease_lapse, new_run
from tests.workflows.engine_tools import Died, Shop, shop_open
from workflows import steps
from workflows.engine import journal
from workflows.engine.events import EventType, RunStatus
from workflows.engine.execution import run_drive
from workflows.engine.folding import fold
from workflows.engine.state import RunState
from workflows.engine.step import kinds
from workflows.spec.loading import load

pytestmark = pytest.mark.django_db(transaction=True)

INNER = """\
name: inner
version: "1"
steps:
  - {id: i1, type: tool, tool: mail, config: {item: "${ input.item }"}}
  - {id: i2, type: count}
"""
EVERYTHING = """\
name: everything
version: "1"
steps:
  - {id: begin, type: set, config: {total: 0}}
  - {id: reserve, type: tool, tool: reserve, config: {item: lamp}}
  - id: each
    type: foreach
    config:
      in: input.items
      as: thing
      max: 3
      steps:
        - {id: charge, type: tool, tool: charge, config: {item: "${ thing }"}}
        - {id: seen, type: count}
  - id: again
    type: loop
    config:
      until: total >= 2
      max: 4
      steps:
        - {id: work, type: count}
        - {id: add, type: set, config: {total: "${ total + 1 }"}}
  - id: both
    type: parallel
    config:
      branches:
        money:
          - {id: mail, type: tool, tool: mail, config: {item: bill}}
          - {id: paid, type: count}
        goods:
          - {id: ship, type: tool, tool: reserve, config: {item: van}}
  - {id: inside, type: workflow, config: {workflow: inner, input: {item: "${ 'letter' }"}}}
  - {id: last, type: count}
"""
DONE = {"reserve lamp", "charge a", "charge b", "mail bill", "reserve van", "mail letter"}
MOST_AT_ONCE = 4  # events in a commit: what is pure rides on the next one


@pytest.fixture
def shop(in_acme: TenantContext) -> Iterator[Shop]:
    steps.load()
    with shop_open() as shop:
        yield shop


@pytest.fixture
def bench(shop: Shop) -> Iterator[Bench]:
    with engine_bench('name: x\nversion: "1"\nsteps: [{id: a, type: count}]') as bench:
        bench.others["inner"] = load(INNER, kinds())
        bench.graph_ = load(EVERYTHING, kinds())
        yield bench


def finished_in(state: RunState) -> list[tuple[str, str]]:
    """Return (scope, step) of what is on record as done, in no order: bodies are side by side."""
    done = [r for r in state.records if r.outcome is EventType.STEP_COMPLETED]
    return sorted((record.scope, record.step_id) for record in done)


def test_run_comes_to_the_same_whichever_commit_its_worker_dies_at(
    bench: Bench, shop: Shop
) -> None:
    plain = run_drive(new_run(bench.graph_, items=["a", "b"]), bench)
    assert plain is not None
    assert plain.status is RunStatus.COMPLETED
    for cut in range(1, plain.seq + 1):
        shop.clear()
        run_id = new_run(bench.graph_, items=["a", "b"])
        bench.crash_after = set(range(cut, cut + MOST_AT_ONCE))
        with pytest.raises(Crash):
            run_drive(run_id, bench)
        bench.crash_after = set()
        lease_lapse(run_id)
        # A worker that dies behind the last commit leaves nothing to do.
        state = run_drive(run_id, bench) or fold(journal.events(run_id))
        assert state == fold(journal.events(run_id))
        assert state.status is RunStatus.COMPLETED
        assert finished_in(state) == finished_in(plain), cut
        assert state.values == plain.values
        assert (set(shop.done), len(shop.calls)) == (DONE, len(DONE)), cut


@pytest.mark.parametrize("tool", ["reserve", "charge", "mail"])
def test_call_that_was_made_but_not_recorded_acts_once(bench: Bench, shop: Shop, tool: str) -> None:
    shop.dies_after = {tool}
    run_id = new_run(bench.graph_, items=["a", "b"])
    with pytest.raises(Died):
        run_drive(run_id, bench)
    lease_lapse(run_id)
    state = run_drive(run_id, bench)
    assert state is not None
    assert state.status is RunStatus.COMPLETED
    assert (set(shop.done), len(shop.effects)) == (DONE, len(DONE))
    assert len(shop.calls) == len(DONE) + 1  # asked again, under the same key


def test_cancelled_run_learns_first_what_became_of_a_call_in_doubt(
    bench: Bench, shop: Shop
) -> None:
    bench.graph_ = load(
        'name: x\nversion: "1"\nsteps:\n'
        "  - {id: one, type: tool, tool: charge, config: {item: lamp},"
        " compensate: {tool: refund, input: {item: lamp}}}\n"
        "  - {id: two, type: tool, tool: mail, config: {item: lamp}}\n",
        kinds(),
    )
    shop.dies_after = {"charge"}
    run_id = new_run(bench.graph_)
    with pytest.raises(Died):
        run_drive(run_id, bench)
    lease_lapse(run_id)
    assert journal.cancel_request(run_id, "requested")
    state = run_drive(run_id, bench)
    assert state is not None
    assert state.status is RunStatus.CANCELLED
    assert shop.done == ["charge lamp", "refund lamp"]


def test_run_that_gives_up_with_a_call_in_doubt_is_stuck_until_a_person_decides(
    bench: Bench, shop: Shop
) -> None:
    bench.graph_ = load(
        'name: x\nversion: "1"\nsteps:\n'
        "  - {id: one, type: tool, tool: fetch, config: {item: lamp},"
        " compensate: {tool: refund, input: {item: lamp}}}\n",
        kinds(),
    )
    shop.dies_after = {"fetch"}
    run_id = new_run(bench.graph_)
    with pytest.raises(Died):
        run_drive(run_id, bench)
    lease_lapse(run_id)
    state = run_drive(run_id, bench)
    assert state is not None
    assert state.status is RunStatus.STUCK
    assert state.error["code"] == "tool_in_doubt"
    assert shop.done == ["fetch lamp"]
    assert bench.rescued == [run_id]


def test_run_goes_on_at_once_when_the_database_is_back(bench: Bench, shop: Shop) -> None:
    """A worker that lives needs no other to take over; what it did last is on record or is not."""

    def connection_lose(name: str) -> None:
        if shop.calls.count(name) == 1 and name == "charge":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                pid = cursor.fetchone()[0]
            with psycopg.connect(SUPERUSER, autocommit=True) as server:
                server.execute("SELECT pg_terminate_backend(%s)", (pid,))

    bench.graph_ = load(
        'name: x\nversion: "1"\nsteps:\n'
        "  - {id: one, type: tool, tool: charge, config: {item: lamp}}\n"
        "  - {id: two, type: tool, tool: mail, config: {item: lamp}}\n",
        kinds(),
    )
    shop.during = connection_lose
    run_id = new_run(bench.graph_)
    began = time.monotonic()
    state = run_drive(run_id, bench)
    assert state is not None
    assert state.status is RunStatus.COMPLETED
    assert time.monotonic() - began < journal.LEASE_SECONDS  # nobody waited for a lease to lapse
    assert shop.done == ["charge lamp", "mail lamp"]
    resumed = [event for event in journal.events(run_id) if event.type is EventType.RUN_RESUMED]
    assert len(resumed) == 1
