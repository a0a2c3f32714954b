"""Run database work of the sockets in threads of their own, inside the caller's tenant."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
R = TypeVar("R")
THREADS = 12


@cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="socket")


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a blocking function in the pool; it sees the caller's context variables.

    Afterwards its database connection goes back to the pool, so that a thousand idle sockets hold
    none.
    """
    call = partial(copy_context().run, _call, partial(function, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_executor(), call)


def _call(function: Callable[[], R]) -> R:
    try:
        return function()
    finally:
        close_old_connections()
