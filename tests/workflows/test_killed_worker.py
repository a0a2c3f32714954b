"""kill -9 of a real worker process: the run goes on elsewhere and repeats no finished step."""

import os
import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings

from config.env import BASE_DIR
from core.tenancy import TenantContext
from tests.workflows.engine_steps import engine_bench, new_run
from tests.workflows.test_engine_execution import FIVE
from workflows.engine import journal
from workflows.engine.execution import run_drive
from workflows.engine.journal import LEASE_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)

SLACK_SECONDS = 2.0


def test_run_of_a_killed_process_goes_on_within_seconds(in_acme: TenantContext) -> None:
    with engine_bench(FIVE) as bench:
        assert bench.graph_ is not None
        run_id = new_run(bench.graph_)
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "TEST_DATABASE": settings.DATABASES["default"]["NAME"],
            "PYTHONPATH": str(BASE_DIR),
        }
        command = [sys.executable, "tests/workflows/killed_worker.py", str(run_id), "s4", FIVE]
        died = subprocess.run(
            command, cwd=BASE_DIR, env=environment, capture_output=True, check=False
        )
        assert died.returncode == -signal.SIGKILL, died.stderr.decode()[-2000:]
        assert [event.step_id for event in journal.events(run_id)] == ["", "s1", "s2", "s3"]

        until = time.monotonic() + LEASE_SECONDS + SLACK_SECONDS
        while not journal.lapsed(limit=1, grace_seconds=5):
            assert time.monotonic() < until, "the lease of a dead worker did not lapse"
            time.sleep(0.1)
        run_drive(run_id, bench)
        assert bench.visits == ["s4", "s5"]
        steps = [event.step_id for event in journal.events(run_id) if event.step_id]
        assert steps == ["s1", "s2", "s3", "s4", "s5"]
