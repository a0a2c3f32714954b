"""Fixtures of the supervisor's tests: a folder of their own and free ports."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.env import BASE_DIR
from config.supervision.layout import Layout

PORT_NAMES = ("WEB_PORT", "REALTIME_PORT", "POSTGRES_PORT", "REDIS_PORT")
FOREIGN = ("DATABASE_URL", "REDIS_URL", "DATABASE_OWNER_URL", "DATABASE_PLATFORM_URL")
Stack = Callable[..., "subprocess.CompletedProcess[str]"]


def ports_free(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    found = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return found


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "var")
    made.make()
    return made


@pytest.fixture
def stack_environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a stack of its own, without the suite's servers and settings."""
    ports = dict(zip(PORT_NAMES, map(str, ports_free(4)), strict=True))
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in FOREIGN and not name.startswith(("DJANGO_", "FRONTDESK_", "PYTEST_"))
    }
    return {**kept, **ports, "VAR_DIR": str(tmp_path / "var"), "FRONTDESK_DEMO": "0"}


@pytest.fixture
def stack(stack_environment: dict[str, str]) -> Iterator[Stack]:
    """Return a function that runs a supervisor command; everything is down afterwards."""

    def run(command: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "config.supervisor", command],
            cwd=BASE_DIR,
            env={**stack_environment, **changes},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    yield run
    run("down")
