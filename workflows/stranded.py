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
_begun_at_once = BoundedSemaphore(THREADS)


def run_here(run_id: UUID, drive: Callable[[], object]) -> bool:
    """Drive a run in a thread of this process; False when too many wait already."""
    return _submit(_places, run_id, drive)


def run_at_once(run_id: UUID, drive: Callable[[], object]) -> bool:
    """Drive a run in a thread of this process; False when others would have to end first."""
    return _submit(_begun_at_once, run_id, drive)


def _submit(room: BoundedSemaphore, run_id: UUID, drive: Callable[[], object]) -> bool:
    if not room.acquire(blocking=False):
        return False
    _executor().submit(copy_context().run, _drive, room, run_id, drive)
    return True


def _drive(room: BoundedSemaphore, run_id: UUID, drive: Callable[[], object]) -> None:
    try:
        drive()
    except Exception:
        log.exception(
            "stranded_run_failed", run=str(run_id)
        )  # its lease lapses; the sweep sends it
    finally:
        close_old_connections()
        room.release()


@cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="stranded")
