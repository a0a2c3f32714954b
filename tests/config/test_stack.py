"""The whole stack under its supervisor, on ports and a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from config.supervision.layout import Layout
from config.supervision.records import records_load
from config.supervision.stack import http_get, http_status
from config.supervision.state import state_load
from tests.config.conftest import Stack

PROCESSES = {
    "postgres",
    "redis",
    "web",
    "web-2",
    "realtime",
    "worker-runs",
    "worker-runs-bulk",
    "worker-ingest",
    "relay",
    "beat",
}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_stack_comes_up_survives_a_kill_and_leaves_nothing(
    stack: Stack, stack_environment: dict[str, str]
) -> None:
    layout = Layout(Path(stack_environment["VAR_DIR"]))
    started = stack("up")
    assert started.returncode == 0, started.stderr
    web = f"http://127.0.0.1:{stack_environment['WEB_PORT']}"

    status, report = http_get(f"{web}/readyz")
    assert (status, report["status"]) == (200, "ready")
    assert http_status(f"http://127.0.0.1:{stack_environment['REALTIME_PORT']}/readyz") == 200
    assert {record.name for record in records_load(layout.records_dir)} == PROCESSES
    _second_up_is_quick(stack)
    _killed_process_comes_back(layout)

    everything = _processes_of(layout)
    assert len(everything) >= len(PROCESSES)
    _supervisor_kill(layout)
    assert stack("down").returncode == 0
    _, alive = psutil.wait_procs(everything, timeout=10)
    assert alive == []
    assert records_load(layout.records_dir) == []
    log = layout.log("postgres").read_text()
    assert "database system is shut down" in log.splitlines()[-1]


def _second_up_is_quick(stack: Stack) -> None:
    began = time.monotonic()
    again = stack("up")
    assert again.returncode == 0
    assert "already up" in again.stdout
    assert time.monotonic() - began < 4


def _killed_process_comes_back(layout: Layout) -> None:
    first = next(r for r in records_load(layout.records_dir) if r.name == "relay")
    os.kill(first.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while True:
        found = [r for r in records_load(layout.records_dir) if r.name == "relay"]
        if found and found[0].pid != first.pid and found[0].process():
            return
        assert time.monotonic() < deadline, "the relay was not restarted"
        time.sleep(0.1)


def _processes_of(layout: Layout) -> list[psutil.Process]:
    """Return the supervisor and all that descends from it."""
    state = state_load(layout.state_file)
    assert state is not None
    supervisor = psutil.Process(state.pid)
    return [supervisor, *supervisor.children(recursive=True)]


def _supervisor_kill(layout: Layout) -> None:
    state = state_load(layout.state_file)
    assert state is not None
    os.kill(state.pid, signal.SIGKILL)


def test_down_without_a_stack_says_so(stack: Stack) -> None:
    done = stack("down")
    assert done.returncode == 0
    assert "was not running" in done.stdout


def test_taken_port_is_told_without_a_trace(
    stack: Stack, stack_environment: dict[str, str]
) -> None:
    import socket

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", int(stack_environment["WEB_PORT"])))
        holder.listen()
        done = stack("up")
    assert done.returncode == 1
    assert f"Port {stack_environment['WEB_PORT']} (WEB_PORT) is in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["up", "status", "down"])
def test_malformed_port_is_told_by_every_command(stack: Stack, command: str) -> None:
    done = stack(command, WEB_PORT="eighty")
    assert done.returncode == 1
    assert "WEB_PORT='eighty'" in done.stderr


def test_description_of_the_demo_is_a_table(tmp_path: Path) -> None:
    from config.supervision.table import demo_table

    login = {"email": "owner@acme.example", "password": "secret-word"}
    tenant = {
        **{"slug": "acme", "name": "Acme", "base_url": "http://acme.localhost:8000"},
        **{"demo_url": "http://acme.localhost:8000/demo/", "api_key": "fd_key"},
        **dict.fromkeys(("owner", "staff", "agent"), login),
    }
    platform = {
        **{"base_url": "http://localhost:8000", "admin_url": "http://localhost:8000/admin/"},
        **{"admin_email": "admin@x.example", "admin_password": "admin-word"},
    }
    path = tmp_path / "demo.json"
    path.write_text(json.dumps({"platform": platform, "tenants": {"acme": tenant}}))
    table = demo_table(path)
    for expected in ("http://acme.localhost:8000/demo/", "secret-word", "admin-word", "curl -s"):
        assert expected in table
    assert demo_table(tmp_path / "missing.json") == ""
