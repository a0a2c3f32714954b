"""The stack of the storm: its own folder and ports, two workspaces, one workflow in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from bench.chaos.tools import SHOP
from bench.support.stack import RunningStack, stack_up

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
class Stack(RunningStack):
    """A running stack with a key for each workspace, and who is told events in order."""

    keys: Mapping[str, str]
    ordered: Sequence[str]


@contextmanager
def stack_running(shop_url: str) -> Iterator[Stack]:
    """Bring a stack up under its own supervisor; it is down and gone afterwards."""
    settings = {
        "FRONTDESK_DEMO": "0",
        "REPLY_PATIENCE_MS": "200",  # waited for, but not for long
        "TOOL_MODULES": "bench.chaos.tools",
        SHOP: shop_url,
    }
    with stack_up("chaos", settings) as running:
        keys, ordered = running.shell(PREPARE, [SLUGS, WORKFLOW])
        yield Stack(running.layout, running.ports, running.environment, keys, ordered)
