"""Call something again in a moment, in a thread of this process.

For deliveries whose handler said ``Later``: what they wait for is short, and the relay, which would
find them too, may have much to do. Nothing rests on it: when the process dies the relay delivers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final

import structlog
from django.db import close_old_connections

from core import tenancy

LIMIT: Final = 10_000  # beyond it the relay does without us
IDLE_SECONDS: Final = 10.0

log = structlog.get_logger(__name__)


@dataclass(order=True, frozen=True, slots=True)
class _Alarm:
    due_at: float  # monotonic
    call: Callable[[], object] = field(compare=False)


_alarms: list[_Alarm] = []
_changed = threading.Condition()
_thread: list[threading.Thread] = []


def alarm_set(seconds: float, call: Callable[[], object]) -> bool:
    """Call after so many seconds, outside every tenant; False when too many wait already."""
    with _changed:
        if len(_alarms) >= LIMIT:
            return False
        heappush(_alarms, _Alarm(time.monotonic() + seconds, call))
        if not _thread:
            _thread.append(threading.Thread(target=_ring, daemon=True, name="alarm"))
            _thread[0].start()
        _changed.notify()
    return True


def _ring() -> None:
    """Call what is due, one after the other; the thread ends when there was nothing for a while."""
    tenancy.enter_public()
    while (alarm := _next()) is not None:
        try:
            alarm.call()
        except Exception:  # whatever a handler raised as its connection broke
            log.exception("alarm_left_to_the_relay")
        finally:
            close_old_connections()


def _next() -> _Alarm | None:
    """Wait for the next alarm and take it; None when none was set for a while."""
    with _changed:
        while not _alarms or _alarms[0].due_at > time.monotonic():
            left = _alarms[0].due_at - time.monotonic() if _alarms else IDLE_SECONDS
            if not _changed.wait(left) and not _alarms:
                _thread.clear()
                return None
        return heappop(_alarms)
