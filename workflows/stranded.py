"""Runs that go on in this process, past all queues: because Redis is gone, or their worker is.

A few at a time: the process has other work too. Everything a run needs is in Postgres; without
Redis remote models refuse, since nobody counts their money. The lease admits one worker, so a run
that the sweep finds later is never driven twice at once.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from threading import BoundedSemaphore
from typing import Final
from uuid import UUID

import structlog
from django.db import close_old_connections

THREADS: Final = 2
PLACES: Final = 16

log = structlog.get_logger(__name__)
_places = BoundedSemaphore(PLACES)


def run_here(run_id: UUID, drive: Callable[[], object]) -> bool:
    """Drive a run in a thread of this process; False when too many wait already."""
    if not _places.acquire(blocking=False):
        return False
    _executor().submit(copy_context().run, _drive, run_id, drive)
    return True


def _drive(run_id: UUID, drive: Callable[[], object]) -> None:
    try:
        drive()
    except Exception:
        log.exception(
            "stranded_run_failed", run=str(run_id)
        )  # its lease lapses; the sweep sends it
    finally:
        close_old_connections()
        _places.release()


@cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="stranded")
