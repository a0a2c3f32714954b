"""`up`, `down`, `status`, `demo`, `run`: what a person asks of the supervisor."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from config.supervision.layout import BASE_DIR, Layout, StackConfig, StackError
from config.supervision.records import (
    KILL_AFTER_SECONDS,
    ProcessRecord,
    group_kill,
    leftovers_stop,
    records_load,
)
from config.supervision.stack import http_status
from config.supervision.state import FAILED, READY, StackState, state_load

# Without any progress for so long; a slow machine that gets on is waited for.
STALL_SECONDS: Final = 240.0
LOG_LINES: Final = 15


def up(config: StackConfig) -> int:
    """Start the stack in the background and return once it is ready. Idempotent."""
    found = _state_alive(config.layout)
    if found and found.phase == READY and http_status(f"{found.web_url}/readyz") == 200:
        print(f"Frontdesk is already up: {_public_url(config, found)}")
        return 0
    if found is None:
        config.layout.make()
        config.layout.state_file.unlink(missing_ok=True)
        launched: subprocess.Popen[bytes] | None = _supervisor_launch(config.layout)
    else:
        launched = None
    if not _wait_ready(config, launched):
        return 1
    logins = f" (logins: {config.layout.demo_file})" if config.has_demo else ""
    print(f"Frontdesk is up: {_public_url(config, state_load(config.layout.state_file))}{logins}")
    return 0


def _public_url(config: StackConfig, state: StackState | None) -> str:
    """Return where people find it: the running stack's port, whatever this call asked for."""
    running = state.web_url if state else config.web_url
    return config.values.get("PUBLIC_BASE_URL") or running.replace("127.0.0.1", "localhost")


def _supervisor_launch(layout: Layout) -> subprocess.Popen[bytes]:
    with layout.log("supervisor").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "config.supervisor", "run"],
            cwd=BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait_ready(config: StackConfig, launched: subprocess.Popen[bytes] | None) -> bool:
    """Show each phase as it begins; return whether the stack became ready."""
    deadline = time.monotonic() + STALL_SECONDS
    shown = ""
    while time.monotonic() < deadline:
        state = state_load(config.layout.state_file)
        if state and state.phase == READY and http_status(f"{state.web_url}/readyz") == 200:
            return True
        if state and state.phase == FAILED:
            return _failure_show(config.layout, state.detail)
        if _is_gone(state, launched):
            return _failure_show(config.layout, "The supervisor ended.")
        text = f"{state.phase} {state.detail}".strip() if state else ""
        if text not in (shown, "", READY):
            shown, deadline = text, time.monotonic() + STALL_SECONDS
            print(f"  {text}", flush=True)
        time.sleep(0.2)
    return _failure_show(config.layout, f"No progress for {STALL_SECONDS:.0f} s.")


def _is_gone(state: StackState | None, launched: subprocess.Popen[bytes] | None) -> bool:
    if launched is not None:
        return launched.poll() is not None
    return state is None or not state.is_supervised


def _failure_show(layout: Layout, reason: str) -> bool:
    print(f"\nFrontdesk did not start.\n{reason}", file=sys.stderr)
    with suppress(OSError):
        lines = layout.log("supervisor").read_text(errors="replace").splitlines()
        print("\n".join(["", *lines[-LOG_LINES:]]), file=sys.stderr)
    return False


def _state_alive(layout: Layout) -> StackState | None:
    state = state_load(layout.state_file)
    return state if state and state.is_supervised else None


def down(config: StackConfig) -> int:
    """Stop everything, also what a killed supervisor left behind. Idempotent."""
    layout = config.layout
    state = _state_alive(layout)
    if state:
        record = ProcessRecord("supervisor", state.pid, state.created_at)
        record.signal_send(signal.SIGTERM)
        _wait_until(lambda: record.process() is None, seconds=2.5 * KILL_AFTER_SECONDS)
        group_kill(record)
    left = leftovers_stop(layout.records_dir)
    layout.state_file.unlink(missing_ok=True)
    print("Frontdesk is down." if state or left else "Frontdesk was not running.")
    return 0


def _wait_until(is_done: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_done() and time.monotonic() < deadline:
        time.sleep(0.05)


def status(config: StackConfig) -> int:
    """Print what runs; the exit code says whether the stack is ready."""
    layout = config.layout
    state = _state_alive(layout)
    print(f"supervisor  {'pid ' + str(state.pid) if state else 'not running'}")
    for record in records_load(layout.records_dir):
        found = record.process()
        running = f"pid {record.pid}" if found else "not running"
        print(f"{record.name:<14}{running}")
    is_ready = bool(state) and http_status(f"{state.web_url}/readyz") == 200 if state else False
    print(f"{'ready' if is_ready else 'not ready'}{f' ({state.phase})' if state else ''}")
    return 0 if is_ready else 1


def demo(config: StackConfig) -> int:
    """Bring the stack up, show where everything is, and stop it all on Ctrl-C."""
    from config.supervision.table import demo_table

    signal.signal(signal.SIGHUP, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if up(config):
            down(config)
            return 1
        print(demo_table(config.layout.demo_file), flush=True)
        while _state_alive(config.layout):
            time.sleep(0.5)
        print("The supervisor ended; see its log.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with suppress(OSError):  # the terminal may be gone
            print("\nStopping ...", flush=True)
        return down(config)


def run(config: StackConfig) -> int:
    """Supervise in the foreground, as a container or a service manager wants it."""
    from config.supervision.supervisor import Supervisor

    return Supervisor(config).run()


COMMANDS: Final[dict[str, Callable[[StackConfig], int]]] = {
    "up": up,
    "down": down,
    "status": status,
    "demo": demo,
    "run": run,
}


def execute(name: str, config: StackConfig) -> int:
    """Run one command; what a person can put right is printed, not traced."""
    try:
        return COMMANDS[name](config)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
