"""A shop whose tools act and remember: stock, payments and mail, for the engine's tests."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from workflows.engine.tool import ToolCall, ToolFailed, tool, tool_forget

ANY: Mapping[str, Any] = {"type": "object"}
ITEM: Mapping[str, Any] = {
    "type": "object",
    "required": ["item"],
    "properties": {"item": {"type": "string"}},
}


class Died(BaseException):
    """The worker is gone in the middle of a call."""


@dataclass
class Shop:
    """Effects by key, in the order they happened; a repeated key has no second effect."""

    effects: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    fails: dict[str, int] = field(default_factory=dict)
    dies_after: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    during: Callable[[str], None] = lambda _name: None

    def act(self, name: str, call: ToolCall) -> Mapping[str, Any]:
        """Do something once per key, as often as it is asked for."""
        with self.lock:
            self.calls.append(name)
            if self.fails.get(name, 0) > 0:
                self.fails[name] -= 1
                raise ToolFailed("The shop is busy.", retryable=True)
            self.effects.setdefault(call.key, f"{name} {call.input.get('item', '')}".strip())
            if name in self.dies_after:
                self.dies_after.remove(name)
                raise Died
        self.during(name)
        return {"done": name, "item": call.input.get("item", "")}

    def clear(self) -> None:
        """Forget what happened and what was to go wrong."""
        self.effects.clear()
        self.calls.clear()
        self.fails.clear()
        self.dies_after.clear()
        self.during = lambda _name: None

    @property
    def done(self) -> list[str]:
        """Return what happened, in order."""
        return list(self.effects.values())


NAMES = ("reserve", "release", "charge", "refund", "mail", "unmail")


@contextmanager
def shop_open() -> Iterator[Shop]:
    """Register the shop's tools for the time of a test; ``fetch`` is not safe to repeat."""
    shop = Shop()
    for name in NAMES:
        tool(
            name,
            version="1",
            description=f"{name} an item",
            input_schema=ITEM,
            output_schema=ANY,
            is_idempotent=True,
        )(partial(shop.act, name))
    tool(
        "fetch",
        version="1",
        description="Fetch an item: a courier comes each time it is called",
        input_schema=ITEM,
        output_schema=ANY,
        is_idempotent=False,
    )(lambda call: shop.act("fetch", call))
    tool(
        "liar",
        version="1",
        description="Promises a number and gives a word",
        input_schema=ANY,
        output_schema={"type": "object", "properties": {"count": {"type": "integer"}}},
        is_idempotent=True,
        has_side_effects=False,
    )(lambda call: {"count": "many"})
    try:
        yield shop
    finally:
        for name in (*NAMES, "fetch", "liar"):
            tool_forget(name)
