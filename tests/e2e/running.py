"""The running stack as the browser tests know it: its files, its database, its shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "var" / "demo.json"
PATIENCE_SECONDS = 20
# What a shell or a test run has set must not reach the stack's own.
FOREIGN = ("DJANGO_", "FRONTDESK_", "PYTEST_", "DATABASE_", "REDIS_", "TEST_", "VAR_DIR")


def demo() -> dict[str, Any]:
    """Return what `make up` has written about the demo."""
    found: dict[str, Any] = json.loads(DEMO.read_text())
    return found


def served() -> dict[str, str]:
    """Return the settings the stack's processes were given."""
    return dict(line.split("=", 1) for line in (ROOT / "var" / "env").read_text().splitlines())


def objects(tenant: dict[str, Any]) -> dict[str, str]:
    """Return {kind: what an address names it by}, one of each kind in a workspace (`scene.py`)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    program = f"from tests.e2e import scene; scene.tell({tenant['host']!r})"
    told = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", program],
        cwd=ROOT,
        env={**kept, **served()},
        check=False,
        capture_output=True,
        text=True,
    )
    if told.returncode:
        raise RuntimeError(told.stderr)
    things: dict[str, str] = json.loads(told.stdout.splitlines()[-1])
    return things


class Database:
    """What a workspace's rows say, read as the role that owns the schema."""

    def __init__(self, slug: str) -> None:
        options = f"-c search_path=t_{slug}"
        address = served()["DATABASE_OWNER_URL"]
        self._connection = psycopg.connect(address, autocommit=True, options=options)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        return self._connection.execute(query, values).fetchall()

    def one(self, query: str, *values: Any) -> Any:
        """Return the only value a query finds."""
        ((found,),) = self.rows(query, *values)
        return found

    def until(self, wanted: Any, query: str, *values: Any) -> None:
        """Wait until a query's only value is the wanted one; fail with the last one found."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := self.one(query, *values)) != wanted:
            assert time.monotonic() < deadline, f"{query}: {found}, not {wanted}"
            time.sleep(0.05)

    def close(self) -> None:
        self._connection.close()
