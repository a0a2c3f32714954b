"""The supervisor's parts: records, restarts, ports, secrets."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from config.env import BASE_DIR
from config.supervision.credentials import NAMES, credentials_ensure
from config.supervision.layout import Layout, StackError, stack_config_load
from config.supervision.ports import ports_settle
from config.supervision.processes import (
    FAILURES_ALLOWED,
    LOG_LIMIT,
    ManagedProcess,
    ProcessSpec,
    log_rotate,
)
from config.supervision.records import (
    ProcessRecord,
    leftovers_stop,
    metrics_of_dead_remove,
    record_write,
    records_load,
)

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
# Starts a child of its own and ignores the request to end, as a hung worker would.
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, subprocess, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "subprocess.Popen(['sleep', '60']); print('armed', flush=True); time.sleep(60)",
]


def wait_for(is_so: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def managed(layout: Layout) -> Iterator[Callable[..., ManagedProcess]]:
    made: list[ManagedProcess] = []

    def make(command: list[str], **fields: object) -> ManagedProcess:
        spec = ProcessSpec("sleeper", command, **fields)  # type: ignore[arg-type]
        made.append(ManagedProcess(spec, log=layout.log("sleeper"), records=layout.records_dir))
        made[-1].start()
        return made[-1]

    yield make
    for process in made:
        process.kill()


def test_process_is_recorded_while_it_runs(
    layout: Layout, managed: Callable[..., ManagedProcess]
) -> None:
    process = managed(SLEEPER)
    record = records_load(layout.records_dir)[0]
    assert record.process() is not None
    process.stop_ask()
    process.stop_finish(time.monotonic() + 5)
    assert records_load(layout.records_dir) == []
    assert record.process() is None


def test_record_of_another_start_time_is_another_process() -> None:
    own = ProcessRecord.of("me", os.getpid())
    assert own.process() is not None
    assert ProcessRecord("me", os.getpid(), own.created_at - 1).process() is None


def test_ended_process_is_restarted_with_growing_pauses(
    managed: Callable[..., ManagedProcess],
) -> None:
    process = managed([sys.executable, "-c", "raise SystemExit(3)"])
    said: list[str] = []

    def restarts_twice() -> bool:
        if event := process.watch():
            said.append(event)
        return process.restarts == 2

    wait_for(restarts_twice)
    assert "ended with code 3; restarting in 0.1 s" in said[0]
    assert "restarting in 0.2 s" in said[2]


def test_hanging_process_is_killed_and_restarted(managed: Callable[..., ManagedProcess]) -> None:
    process = managed(SLEEPER, is_healthy=lambda _record: False, healthy_within=0.0)
    *before, last = [process.watch() for _ in range(FAILURES_ALLOWED)]
    assert set(before) == {None}
    assert last is not None
    assert "stopped answering" in last
    assert not process.is_alive


def test_stubborn_process_is_killed_with_its_children(
    layout: Layout, managed: Callable[..., ManagedProcess]
) -> None:
    process = managed(STUBBORN)
    wait_for(lambda: "armed" in layout.log("sleeper").read_text())
    members = records_load(layout.records_dir)[0].group()
    assert len(members) == 2
    process.stop_ask()
    process.stop_finish(time.monotonic() + 0.3)
    wait_for(lambda: not any(psutil.pid_exists(member.pid) for member in members))


def test_leftovers_are_stopped_and_strangers_are_not(layout: Layout) -> None:
    left = subprocess.Popen(SLEEPER, start_new_session=True)
    stranger = subprocess.Popen(SLEEPER, start_new_session=True)
    record_write(layout.records_dir, ProcessRecord.of("left", left.pid))
    record_write(layout.records_dir, ProcessRecord("reused", stranger.pid, 1.0))
    (layout.records_dir / "torn.json").write_text('{"name": ')
    try:
        assert leftovers_stop(layout.records_dir, seconds=5) == ["left"]
        assert left.wait(5) == -signal.SIGTERM
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
def test_children_end_when_their_supervisor_is_killed(layout: Layout) -> None:
    script = (
        "from pathlib import Path; from config.supervision.processes import *; import sys, time\n"
        f"spec = ProcessSpec('orphan', {SLEEPER!r})\n"
        f"ManagedProcess(spec, log=Path({str(layout.log('orphan'))!r}),"
        f" records=Path({str(layout.records_dir)!r})).start()\n"
        "print('started', flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=BASE_DIR, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "started\n"
    record = records_load(layout.records_dir)[0]
    assert record.process() is not None
    parent.kill()
    parent.wait()
    wait_for(lambda: record.process() is None)


def test_gauges_of_ended_processes_are_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    kept = [f"gauge_livesum_{os.getpid()}.db", f"counter_{ended.pid}.db"]
    for name in (*kept, f"gauge_livesum_{ended.pid}.db"):
        (tmp_path / name).touch()
    metrics_of_dead_remove(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


def test_credentials_are_private_and_stay(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    first = credentials_ensure(path)
    assert set(first) == set(NAMES)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert credentials_ensure(path) == first


def test_taken_web_port_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        config = stack_config_load({"WEB_PORT": str(port), "VAR_DIR": str(tmp_path)})
        with pytest.raises(StackError, match=f"Port {port} .*WEB_PORT=8080 make up"):
            ports_settle(config)


def test_taken_database_port_gives_way_unless_chosen(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        values = {"VAR_DIR": str(tmp_path), "POSTGRES_PORT": port}
        chosen = stack_config_load(values | {"WEB_PORT": "28999", "REALTIME_PORT": "28998"})
        with pytest.raises(StackError, match="POSTGRES_PORT"):
            ports_settle(chosen)


def test_malformed_ports_are_listed_together() -> None:
    with pytest.raises(StackError, match="WEB_PORT='web', REDIS_PORT='99999'"):
        stack_config_load({"WEB_PORT": "web", "REDIS_PORT": "99999"})


def test_production_has_no_demo() -> None:
    assert stack_config_load({}).has_demo
    assert not stack_config_load({"FRONTDESK_ENV": "prod"}).has_demo


def test_large_log_is_rotated_in_place(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("ab") as writer:
        writer.truncate(LOG_LIMIT)
        log_rotate(log)
        writer.write(b"next\n")
    assert log.read_bytes() == b"next\n"
    assert log.with_suffix(".log.1").stat().st_size == LOG_LIMIT
