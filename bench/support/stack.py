"""A whole stack of a bench's own, under its own supervisor: folder, ports, gone afterwards."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg

from config.supervision.layout import BASE_DIR, Layout
from config.supervision.records import records_load
from config.supervision.stack import DATABASE

PORTS: Final = ("WEB_PORT", "REALTIME_PORT", "POSTGRES_PORT", "REDIS_PORT")
# What a shell or a test run has set must not reach the stack.
FOREIGN: Final = ("DJANGO_", "FRONTDESK_", "PYTEST_", "DATABASE_", "REDIS_", "TEST_", "VAR_DIR")
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class RunningStack:
    """A running stack: where its files are, where it answers, what its processes were told."""

    layout: Layout
    ports: Mapping[str, int]
    environment: Mapping[str, str]

    def database(self) -> Connection:
        """Connect as the superuser, who sees the rows of every workspace."""
        secret = json.loads(self.layout.credentials_file.read_text())["postgres_superuser"]
        place = f"127.0.0.1:{self.ports['POSTGRES_PORT']}/{DATABASE}"
        return psycopg.connect(f"postgresql://postgres:{secret}@{place}", autocommit=True)

    def shell(self, program: str, asked: Any) -> Any:
        """Run a program in the project's shell: JSON on its input, JSON on its last line."""
        served = dict(line.split("=", 1) for line in self.layout.env_file.read_text().splitlines())
        environment = {**self.environment, **served}
        told = _run(["manage.py", "shell", "-c", program], environment, json.dumps(asked))
        return json.loads(told.splitlines()[-1])

    def demo(self, slug: str) -> dict[str, Any]:
        """Return what the demo says about one of its workspaces."""
        found: dict[str, Any] = json.loads(self.layout.demo_file.read_text())["tenants"][slug]
        return found

    def kill(self, name: str) -> bool:
        """Kill -9 a process and all it started; False when it is not there just now."""
        for record in records_load(self.layout.records_dir):
            if record.name == name and record.process() is not None:
                for member in record.group():
                    _kill(member)
                return True
        return False


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return  # it followed the one that started it


@contextmanager
def stack_up(name: str, settings: Mapping[str, str]) -> Iterator[RunningStack]:
    """Bring a stack up, with `settings` in the environment of all its processes."""
    (BASE_DIR / "var").mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=BASE_DIR / "var"))
    ports = dict(zip(PORTS, ports_free(len(PORTS)), strict=True))
    environment = _environment(home, ports, settings)
    try:
        _run(["-m", "config.supervisor", "up"], environment)
        yield RunningStack(Layout(home), ports, environment)
    finally:
        _run(["-m", "config.supervisor", "down"], environment)
        shutil.rmtree(home, ignore_errors=True)


def _environment(
    home: Path, ports: Mapping[str, int], settings: Mapping[str, str]
) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    chosen = {name: str(port) for name, port in ports.items()}
    return {**kept, **chosen, "VAR_DIR": str(home), "DEGRADE_AUTOMATIC": "0", **settings}


def _run(arguments: list[str], environment: Mapping[str, str], text: str = "") -> str:
    done = subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, *arguments],
        cwd=BASE_DIR,
        env=dict(environment),
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{arguments} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def ports_free(count: int) -> list[int]:
    """Return free ports outside the range that outgoing connections are given."""
    found: list[int] = []
    port = 15_500 + os.getpid() % 1_000 * 8
    while len(found) < count:
        port += 1
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                found.append(port)
    return found
