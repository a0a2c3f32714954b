"""The stack of the storm: its own folder and ports, two workspaces, one workflow in each."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from bench.chaos.tools import SHOP
from config.supervision.layout import BASE_DIR, Layout
from config.supervision.stack import DATABASE

PORTS: Final = ("WEB_PORT", "REALTIME_PORT", "POSTGRES_PORT", "REDIS_PORT")
SLUGS: Final = ("north", "south")
RETRY: Final = "retry: {on: [any], max: 12, backoff: 100ms, max_backoff: 1s}"
WORKFLOW: Final = f"""\
name: customer_support
version: "1"
steps:
  - id: reserve
    type: tool
    tool: storm_reserve
    {RETRY}
    compensate: {{tool: storm_release}}
  - id: charge
    type: tool
    tool: storm_charge
    {RETRY}
    compensate: {{tool: storm_refund}}
  - {{id: decide, type: tool, tool: storm_decide, config: {{text: "${{ text }}"}}}}
  - {{id: answer, type: reply, config: {{text: It is done.}}}}
"""
PREPARE: Final = """
import json, sys
from core import directory, tenancy
from core.events.registry import subscribers_all
from tenants.keys import api_key_create
from tenants.services import tenant_create, tenant_limits_set
from workflows.versions import workflow_publish
slugs, source = json.loads(sys.stdin.read())
keys = {}
for slug in slugs:
    with tenancy.platform_scope():
        made = tenant_create(name=slug.title(), slug=slug)
        tenant_limits_set(tenant_id=made.pk, limits={"rate_percent": 100_000})
    tenant = directory.tenant_by_id(made.pk)
    with tenancy.tenant_scope(tenant):
        workflow_publish(source=source, published_by=None)
        scopes = ["conversations:read", "conversations:write"]
        keys[slug] = api_key_create(name="storm", scopes=scopes).secret
ordered = [found.name for found in subscribers_all() if not found.is_urgent]
print(json.dumps([keys, ordered]))
"""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack: where it is, a key for each workspace, who is told events in order."""

    layout: Layout
    ports: Mapping[str, int]
    keys: Mapping[str, str]
    ordered: Sequence[str]

    def database(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Connect as the superuser, who sees the rows of every workspace."""
        secret = json.loads(self.layout.credentials_file.read_text())["postgres_superuser"]
        place = f"127.0.0.1:{self.ports['POSTGRES_PORT']}/{DATABASE}"
        return psycopg.connect(f"postgresql://postgres:{secret}@{place}", autocommit=True)


@contextmanager
def stack_running(shop_url: str) -> Iterator[Stack]:
    """Bring a stack up under its own supervisor; it is down and gone afterwards."""
    (BASE_DIR / "var").mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="chaos-", dir=BASE_DIR / "var"))
    ports = dict(zip(PORTS, ports_free(len(PORTS)), strict=True))
    environment = _environment(home, ports, shop_url)
    try:
        _run(["-m", "config.supervisor", "up"], environment)
        layout = Layout(home)
        served = dict(line.split("=", 1) for line in layout.env_file.read_text().splitlines())
        asked = json.dumps([SLUGS, WORKFLOW])
        told = _run(["manage.py", "shell", "-c", PREPARE], {**environment, **served}, asked)
        keys, ordered = json.loads(told.splitlines()[-1])
        yield Stack(layout, ports, keys, ordered)
    finally:
        _run(["-m", "config.supervisor", "down"], environment)
        shutil.rmtree(home, ignore_errors=True)


def _environment(home: Path, ports: Mapping[str, int], shop_url: str) -> dict[str, str]:
    foreign = ("DJANGO_", "FRONTDESK_", "PYTEST_", "DATABASE_", "REDIS_", "TEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    chosen = {name: str(port) for name, port in ports.items()}
    own = {"VAR_DIR": str(home), "FRONTDESK_DEMO": "0", "DEGRADE_AUTOMATIC": "0"}
    return {**kept, **chosen, **own, "TOOL_MODULES": "bench.chaos.tools", SHOP: shop_url}


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
