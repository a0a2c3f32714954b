"""Small values of flags and experiments; no Django."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Variant:
    """One way an experiment shows something; shares are weights over their sum."""

    key: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class FlagSpec:
    """A flag as the code declares it: off until somebody switches it on.

    `is_open` lets workspaces switch it for themselves. `variants` make it an experiment, the first
    being what everybody saw before; `goal` names the outcome that is counted.
    """

    name: str
    label: Any
    description: Any
    is_open: bool = False
    variants: tuple[Variant, ...] = ()
    goal: str = ""


@dataclass(frozen=True, slots=True)
class FlagState:
    """How a flag stands for one workspace: all that deciding takes."""

    name: str
    everyone: bool | None = None
    percent: float = 0.0
    is_open: bool = False
    variants: tuple[Variant, ...] = ()
    override: bool | None = None

    @property
    def is_possible(self) -> bool:
        """Return whether it is on for anybody at all."""
        if self.everyone is False or self.override is False:
            return False
        return bool(self.override or self.everyone or self.percent > 0)


def weights_of(variants: Sequence[Variant]) -> dict[str, float]:
    return {variant.key: variant.weight for variant in variants}
