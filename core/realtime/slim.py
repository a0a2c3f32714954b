"""What asyncio has and is empty most of the time, made small: a process holds thousands of each.

`asyncio.Queue` and `asyncio.Event` keep deques ready, six tenths of a kilobyte each.
"""

from __future__ import annotations

import asyncio
from typing import Any


def waiting_on(before: asyncio.Future[None] | None) -> asyncio.Future[None]:
    """Return what to wait for: what somebody waits for already, or something new."""
    if before is None or before.done():
        return asyncio.get_running_loop().create_future()
    return before


def wake(waiting: asyncio.Future[None] | None) -> None:
    """Let whoever waits go on; the next one waits anew."""
    if waiting is not None and not waiting.done():
        waiting.set_result(None)


class Inbox:
    """A queue without bounds, for one reader."""

    __slots__ = ("_items", "_ready")

    def __init__(self) -> None:
        self._items: list[Any] = []
        self._ready: asyncio.Future[None] | None = None

    def empty(self) -> bool:
        return not self._items

    def put_nowait(self, item: Any) -> None:
        self._items.append(item)
        wake(self._ready)

    async def get(self) -> Any:
        while not self._items:
            self._ready = waiting_on(self._ready)
            await self._ready
        return self._items.pop(0)


class Gate:
    """An event that is set at first."""

    __slots__ = ("_is_set", "_opened")

    def __init__(self) -> None:
        self._is_set = True
        self._opened: asyncio.Future[None] | None = None

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        wake(self._opened)

    def clear(self) -> None:
        self._is_set = False

    async def wait(self) -> None:
        while not self._is_set:
            self._opened = waiting_on(self._opened)
            # Several may wait: who is cancelled takes nothing from the others.
            await asyncio.shield(self._opened)
