"""How much a workspace may do: what a plan can say, and what holds where it says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A workspace's limits. None means unlimited; amounts a month unless the name says otherwise.

    `spend_micro` counts millionths of the currency a provider is priced in. `rate_percent` scales
    the calls a minute of every route class but sign-in. `concurrent_runs` None is the
    installation's `RUNS_PER_TENANT`.
    """

    messages: int | None = None
    ai_replies: int | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    runs: int | None = None
    documents: int | None = None
    storage_bytes: int | None = None
    seats: int | None = None
    # A plan that says nothing about money does not mean as much of it as anyone likes.
    spend_micro: int | None = 20_000_000
    spend_micro_per_day: int | None = None
    rate_percent: int = 100
    concurrent_runs: int | None = None
    concurrent_sockets: int = 5_000
    concurrent_sockets_per_visitor: int = 20
    concurrent_uploads: int = 8
    concurrent_waits: int = 64

    def rate(self, calls_a_minute: int) -> int:
        """Return a route class' calls a minute here; never none at all."""
        return max(1, calls_a_minute * self.rate_percent // 100)


LIMIT_NAMES: Final = frozenset(field.name for field in fields(Limits))


def limits_faults(limits: object) -> list[str]:
    """Return what is wrong with a plan's limits: a mapping of known names to whole numbers >= 0."""
    if not isinstance(limits, Mapping):
        return ["The limits have to be an object."]
    unknown = [f"{name!r} is not a limit." for name in limits if name not in LIMIT_NAMES]
    return unknown + [
        f"{name!r} has to be a whole number that is not negative."
        for name, value in limits.items()
        if not isinstance(value, int) or isinstance(value, bool) or value < 0
    ]


def limits_read(stored: Mapping[str, Any]) -> Limits:
    """Return stored limits as values; names that this release does not know are passed over."""
    return Limits(**{name: value for name, value in stored.items() if name in LIMIT_NAMES})
