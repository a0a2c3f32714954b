"""Let bulk runs give way between two steps while the machine is busy with an express run.

The express lane is served by processes of its own, but they share processors, and the database
behind them, with the bulk lane. A bulk run therefore looks up before each step: is anything under
way in the express lane, and has this machine no idle time left? Then it waits until that run is
over, but never longer than ``LONGEST_SECONDS`` a step, so that bulk work goes on under any load.
Where processors stand idle, as when runs wait for models, nothing is held back.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from redis import RedisError

from workflows import dispatch

LONGEST_SECONDS: Final = 0.25
LOOK_SECONDS: Final = 0.004
# Below this share of idle time a run more makes the others slower.
IDLE_SHARE: Final = 0.2
_SAMPLE_SECONDS: Final = 0.05
_STAT: Final = Path("/proc/stat")


@dataclass(frozen=True, slots=True)
class Ticks:
    """What the kernel has counted for all processors: idle and in all."""

    idle: int
    total: int


def ticks_read() -> Ticks | None:
    """Return the counters of ``/proc/stat``, or None where there are none."""
    try:
        line = _STAT.read_text().partition("\n")[0]
    except OSError:
        return None
    values = [int(value) for value in line.split()[1:9]]
    return Ticks(idle=values[3] + values[4], total=sum(values))


class ProcessorMeter:
    """Tell how busy the machine has been of late; cheap enough to be asked before each step."""

    def __init__(
        self,
        read: Callable[[], Ticks | None] = ticks_read,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._at = 0.0
        self._ticks: Ticks | None = None
        self._is_busy = False

    def is_busy(self) -> bool:
        """Return whether less than a fifth of the last moments was idle; False where unknown."""
        with self._lock:
            now = self._clock()
            if now - self._at >= _SAMPLE_SECONDS:
                self._sample(now)
            return self._is_busy

    def _sample(self, now: float) -> None:
        before, self._ticks, self._at = self._ticks, self._read(), now
        if before is None or self._ticks is None:
            return
        passed = self._ticks.total - before.total
        if passed > 0:
            self._is_busy = (self._ticks.idle - before.idle) / passed < IDLE_SHARE


meter = ProcessorMeter()


def give_way() -> float:
    """Wait while an express run is under way on a busy machine; returns the seconds it took.

    Not within a transaction. Without Redis nothing waits.
    """
    if not meter.is_busy():
        return 0.0
    began = time.monotonic()
    while time.monotonic() - began < LONGEST_SECONDS and _express_is_active():
        time.sleep(LOOK_SECONDS)
    return time.monotonic() - began


def _express_is_active() -> bool:
    try:
        return dispatch.express_active() > 0
    except RedisError:
        return False
