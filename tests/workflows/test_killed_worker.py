"""kill -9 of a real worker process: the run goes on elsewhere and repeats nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings

from config.env import BASE_DIR
from core.db.leadership import session_open
from core.tenancy import TenantContext
from tests.workflows.engine_steps import engine_bench, lease_lapse, new_run
from tests.workflows.engine_tools import Shop, shop_open
from tests.workflows.test_engine_execution import FIVE
from workflows import steps
from workflows.engine import journal
from workflows.engine.events import RunStatus
from workflows.engine.execution import run_drive
from workflows.engine.journal import LEASE_SECONDS
from workflows.engine.presence import FailureDetector

pytestmark = pytest.mark.django_db(transaction=True)

SLACK_SECONDS = 2.0
LONG_LEASE_SECONDS = 60.0
SALE = """\
name: sale
version: "1"
steps:
  - {id: reserve, type: tool, tool: reserve, config: {item: lamp}}
  - {id: pay, type: tool, tool: charge, config: {item: lamp}}
  - {id: tell, type: tool, tool: mail, config: {item: lamp}}
"""
FAILS = "  - {id: last, type: count, config: {fail: true}}\n"
UNDONE = SALE.replace(
    "tool: charge, config: {item: lamp}",
    "tool: charge, config: {item: lamp}, compensate: {tool: refund, input: {item: lamp}}",
)


@pytest.fixture
def shop(in_acme: TenantContext) -> Iterator[Shop]:
    steps.load()
    with shop_open() as shop:
        yield shop


def die_driving(
    run_id: UUID, where: str, source: str, ledger: Path, lease_seconds: float = LEASE_SECONDS
) -> None:
    """Drive a run in a process that is killed on the way."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "TEST_DATABASE": settings.DATABASES["default"]["NAME"],
        "PYTHONPATH": str(BASE_DIR),
    }
    script = "tests/workflows/killed_worker.py"
    told = [str(run_id), where, source, str(ledger), str(lease_seconds)]
    command = [sys.executable, script, *told]
    died = subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()[-2000:]


def test_run_of_a_killed_process_goes_on_within_seconds(shop: Shop, tmp_path: Path) -> None:
    with engine_bench(FIVE) as bench:
        run_id = new_run(bench.graph_)
        die_driving(run_id, "s4", FIVE, tmp_path / "ledger")
        until = time.monotonic() + LEASE_SECONDS + SLACK_SECONDS
        while not journal.lapsed(limit=1, grace_seconds=5):
            assert time.monotonic() < until, "the lease of a dead worker did not lapse"
            time.sleep(0.1)
        assert [event.step_id for event in journal.events(run_id)] == ["", "s1", "s2", "s3"]
        run_drive(run_id, bench)
        assert bench.visits == ["s4", "s5"]
        done = [event.step_id for event in journal.events(run_id) if event.step_id]
        assert done == ["s1", "s2", "s3", "s4", "s5"]


def test_run_of_a_killed_process_goes_on_long_before_its_lease_ends(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres knows that the process is dead: its session is closed, its lock is free."""
    monkeypatch.setattr(journal, "LEASE_SECONDS", LONG_LEASE_SECONDS)
    with engine_bench(FIVE) as bench, session_open("test") as session:
        run_id = new_run(bench.graph_)
        die_driving(run_id, "s4", FIVE, tmp_path / "ledger", LONG_LEASE_SECONDS)
        detector, until = FailureDetector(), time.monotonic() + LONG_LEASE_SECONDS / 4
        while not journal.lapsed(limit=1, grace_seconds=5, present=detector.observe(session)):
            assert time.monotonic() < until, "nobody noticed that the process was dead"
            time.sleep(0.1)
        run_drive(run_id, bench)
        assert bench.visits == ["s4", "s5"]
        done = [event.step_id for event in journal.events(run_id) if event.step_id]
        assert done == ["s1", "s2", "s3", "s4", "s5"]


@pytest.mark.parametrize(
    ("source", "where", "undone"),
    [(SALE, "charge", []), (UNDONE + FAILS, "refund", ["refund lamp"])],
    ids=["in a call", "while it is undone"],
)
def test_process_killed_when_a_tool_has_acted_leaves_no_second_effect(
    shop: Shop, tmp_path: Path, source: str, where: str, undone: list[str]
) -> None:
    ledger = tmp_path / "ledger"
    with engine_bench(source) as bench:
        run_id = new_run(bench.graph_)
        die_driving(run_id, where, source, ledger)
        lease_lapse(run_id)
        shop.effects.update(json.loads(ledger.read_text()))  # the world outlives the worker
        state = run_drive(run_id, bench)
    assert state is not None
    assert state.status is (RunStatus.COMPENSATED if undone else RunStatus.COMPLETED)
    assert shop.done == ["reserve lamp", "charge lamp", "mail lamp", *undone]
    assert shop.calls[0] == where  # asked again with the same key, which acts no second time
