"""Runs that cannot be dispatched, because Redis is gone, go on in the process that started them.

A few at a time: the process has visitors to listen to. Everything a run needs then is in Postgres;
remote models refuse, since nobody counts their money. The lease admits one worker, so a run that
the sweep finds later is never driven twice at once.
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
