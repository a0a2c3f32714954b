"""The tools of the storm: each acts on the shop under the call's own key (``TOOL_MODULES``)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from workflows.engine.tool import ToolCall, ToolFailed, tool

SHOP: Final = "CHAOS_SHOP"
DOING: Final = {"storm_reserve": "storm_release", "storm_charge": "storm_refund"}
ANY: Final = {"type": "object"}


def act(name: str, call: ToolCall) -> Mapping[str, Any]:
    """Ask the shop; a reply that was lost raises, and the engine asks again with the same key."""
    body = json.dumps({"key": call.key, "name": name, "run_id": str(call.run_id)}).encode()
    request = Request(os.environ[SHOP], body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urlopen(request, timeout=5) as reply:  # noqa: S310 - the storm's own shop
            return {"status": reply.status}
    except HTTPError as error:
        if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
            raise
        raise ToolFailed("The shop is busy.", retryable=True) from error


def decide(call: ToolCall) -> Mapping[str, Any]:
    """Refuse what the message asks to be refused."""
    if "refuse" in str(call.input.get("text", "")):
        raise ToolFailed("Refused, as the message wants.")
    return {}


for _name in (*DOING, *DOING.values()):
    tool(
        _name,
        version="1",
        description=f"{_name} in the storm's shop",
        input_schema=ANY,
        output_schema=ANY,
        is_idempotent=True,
    )(partial(act, _name))
tool(
    "storm_decide",
    version="1",
    description="Refuse what is to be refused",
    input_schema=ANY,
    output_schema=ANY,
    is_idempotent=True,
    has_side_effects=False,
)(decide)
