"""What a circuit breaker decides, kept in Redis for all workers or in this process without it.

Closed lets every call through and counts failures in a row; at the limit it opens. Open refuses for
a time. Then it is half open: one call, the probe, is let through, whoever makes it, and its outcome
closes the circuit or opens it anew. A probe that is never heard of again lapses. Calls that began
before the circuit last closed or opened do not change it. After Nygard, "Release It!" (2007).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from typing import Final

from core.resilience.shared import SharedScript

FORGET_SECONDS: Final = 300.0
LOCAL_LIMIT: Final = 10_000


class State(StrEnum):
    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


class Outcome(StrEnum):
    SUCCESS = "success"
    FAILURE = "failure"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Circuit:
    """Which circuit, and when it opens, tries again, and gives a probe up; seconds."""

    key: str
    failures: int
    reset_seconds: float
    probe_seconds: float

    @property
    def keep_seconds(self) -> int:
        """Return how long an idle circuit is remembered."""
        return ceil(self.reset_seconds + self.probe_seconds + FORGET_SECONDS)


@dataclass(frozen=True, slots=True)
class Admission:
    """What a call was told: the state, when (by the clock of who decided), seconds to wait."""

    state: State
    at: float
    wait_seconds: float = 0.0


# KEYS: a hash. ARGV: act, holder, failures, reset, probe and keep seconds, when the call began.
_ACT: Final = SharedScript("""
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local function instant(at) return string.format('%.6f', at) end
local key, act, holder = KEYS[1], ARGV[1], ARGV[2]
local limit, reset, lease = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local keep, began = tonumber(ARGV[6]), tonumber(ARGV[7])
local known = redis.call('HMGET', key, 'failures', 'until', 'probe', 'probe_until', 'closed_at')
local failures, open_until = tonumber(known[1] or 0), tonumber(known[2] or 0)
local probe, probe_until = known[3] or '', tonumber(known[4] or 0)
local closed_at = tonumber(known[5] or 0)

local function store(...)
  redis.call('HSET', key, ...)
  redis.call('EXPIRE', key, keep)
end
local function open()
  store('failures', 0, 'until', instant(now + reset), 'probe', '', 'probe_until', 0)
  return {'open', instant(now), instant(reset)}
end

if act == 'enter' then
  if open_until == 0 then return {'closed', instant(now), '0'} end
  local wait = open_until - now
  if wait <= 0 and probe ~= '' then wait = probe_until - now end
  if wait > 0 then return {'open', instant(now), instant(wait)} end
  store('probe', holder, 'probe_until', instant(now + lease))
  return {'half_open', instant(now), '0'}
end

if open_until > 0 then
  if probe ~= holder then return {'open', instant(now), '0'} end
  if act == 'failure' then return open() end
  if act == 'success' then
    redis.call('DEL', key)
    store('closed_at', instant(now))
    return {'closed', instant(now), '0'}
  end
  store('probe', '', 'probe_until', 0)
  return {'half_open', instant(now), '0'}
end
if act == 'success' and failures > 0 then store('failures', 0) end
if act == 'failure' and began >= closed_at then
  if failures + 1 >= limit then return open() end
  store('failures', failures + 1)
end
return {'closed', instant(now), '0'}
""")


def shared_enter(circuit: Circuit, holder: str) -> Admission:
    """Ask to make a call; raises redis.RedisError without Redis."""
    return _shared(circuit, "enter", holder, 0.0)


def shared_leave(circuit: Circuit, holder: str, began: float, outcome: Outcome) -> Admission:
    """Tell how the call that began then went; returns what it led to. Raises redis.RedisError."""
    return _shared(circuit, outcome.value, holder, began)


def _shared(circuit: Circuit, act: str, holder: str, began: float) -> Admission:
    sizes = [circuit.failures, circuit.reset_seconds, circuit.probe_seconds, circuit.keep_seconds]
    state, at, wait = _ACT.run(key=circuit.key, args=[act, holder, *sizes, f"{began:.6f}"])
    return Admission(State(state.decode()), float(at), float(wait))


@dataclass(slots=True)
class _Known:
    failures: int = 0
    open_until: float = 0.0
    probe: str = ""
    probe_until: float = 0.0
    closed_at: float = 0.0


@dataclass
class LocalCircuits:
    """The same decisions for this process alone."""

    clock: Callable[[], float] = time.monotonic
    _known: dict[str, _Known] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, circuit: Circuit, holder: str) -> Admission:
        with self._lock:
            now, known = self.clock(), self._known.get(circuit.key, _Known())
            if known.open_until == 0:
                return Admission(State.CLOSED, now)
            wait = known.open_until - now
            if wait <= 0 and known.probe:
                wait = known.probe_until - now
            if wait > 0:
                return Admission(State.OPEN, now, wait)
            known.probe, known.probe_until = holder, now + circuit.probe_seconds
            return Admission(State.HALF_OPEN, now)

    def leave(self, circuit: Circuit, holder: str, began: float, outcome: Outcome) -> Admission:
        with self._lock:
            now, known = self.clock(), self._of(circuit.key)
            if known.open_until > 0:
                return self._probed(circuit, known, holder, outcome)
            if outcome is Outcome.SUCCESS:
                known.failures = 0
            if outcome is Outcome.FAILURE and began >= known.closed_at:
                known.failures += 1
                if known.failures >= circuit.failures:
                    return self._open(circuit, now)
            return Admission(State.CLOSED, now)

    def _probed(self, circuit: Circuit, known: _Known, holder: str, outcome: Outcome) -> Admission:
        now = self.clock()
        if known.probe != holder:
            return Admission(State.OPEN, now)
        if outcome is Outcome.FAILURE:
            return self._open(circuit, now)
        if outcome is Outcome.SUCCESS:
            self._known[circuit.key] = _Known(closed_at=now)
            return Admission(State.CLOSED, now)
        known.probe = ""
        return Admission(State.HALF_OPEN, now)

    def _open(self, circuit: Circuit, now: float) -> Admission:
        self._known[circuit.key] = _Known(open_until=now + circuit.reset_seconds)
        return Admission(State.OPEN, now, circuit.reset_seconds)

    def _of(self, key: str) -> _Known:
        if len(self._known) >= LOCAL_LIMIT:
            self._known.clear()
        return self._known.setdefault(key, _Known())
