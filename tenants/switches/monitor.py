"""Watch the load: give something up when it has been too high for a while, take it back when calm.

A switch goes on after three readings at its upper level and off after six at its lower one, so it
does not flutter. What the monitor turns on lasts a minute and is renewed as long as it is wanted:
when the monitor itself dies, the switches end all the same.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import DatabaseError, connections
from redis import RedisError

from tenants.switches.services import switch_turn_off, switch_turn_on, switches_refresh
from tenants.switches.signals import Signal, signals_all
from tenants.switches.types import Switch, SwitchSource

LOOK_SECONDS: Final = 5.0
LOOKS_ON: Final = 3
LOOKS_OFF: Final = 6
LASTING: Final = timedelta(seconds=60)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Level:
    """How one signal stands: on or off, and how many readings in a row speak for the other."""

    signal: Signal
    is_on: bool = False
    streak: int = 0
    value: float = 0.0

    def step(self, value: float | None) -> bool:
        """Take a reading; returns whether its switch is wanted now."""
        self.value = value or 0.0
        speaks_against = self._is_calm() if self.is_on else self.value >= self.signal.on_at
        self.streak = self.streak + 1 if speaks_against else 0
        if self.streak >= (LOOKS_OFF if self.is_on else LOOKS_ON):
            self.is_on, self.streak = not self.is_on, 0
        return self.is_on

    def _is_calm(self) -> bool:
        return self.value <= self.signal.off_at


class Monitor:
    """Every signal's level, and the switches it has turned on with their first reason."""

    def __init__(self, signals: Sequence[Signal]) -> None:
        self.levels = [Level(signal) for signal in signals]
        self._thrown: dict[Switch, str] = {}

    def look(self) -> None:
        """Read every signal once, and turn switches on and off."""
        for level in self.levels:
            level.step(_read(level.signal))
        wanted = {
            level.signal.switch: f"{level.signal.name} {level.value:g}"
            for level in self.levels
            if level.is_on
        }
        wanted |= {switch: why for switch, why in self._thrown.items() if switch in wanted}
        for switch, reason in wanted.items():
            switch_turn_on(
                name=switch, lasting=LASTING, reason=reason, source=SwitchSource.AUTOMATIC
            )
        for switch in self._thrown.keys() - wanted.keys():
            switch_turn_off(name=switch, source=SwitchSource.AUTOMATIC)
        self._thrown = wanted
        switches_refresh()


def _read(signal: Signal) -> float | None:
    try:
        return signal.read()
    except (DatabaseError, RedisError, OSError) as error:
        log.warning("signal_unreadable", signal=signal.name, error=type(error).__name__)
        return None


class _Watch:
    """The process's monitor, made at the first look, and when it looks next."""

    monitor: Monitor | None = None
    due_at = 0.0


def load_watch() -> None:
    """Look at the load if it is time to; cheap to call often, never raises for a lost service."""
    if not settings.DEGRADE_AUTOMATIC or time.monotonic() < _Watch.due_at:
        return
    _Watch.due_at = time.monotonic() + LOOK_SECONDS
    _Watch.monitor = _Watch.monitor or Monitor(signals_all())
    try:
        _Watch.monitor.look()
    except (DatabaseError, RedisError, OSError):
        log.exception("load_watch_failed")
    finally:
        connections["platform"].close()
