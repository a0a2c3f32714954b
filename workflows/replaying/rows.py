"""What a replay says of each visit to a step, and of the run as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Way(StrEnum):
    """Where a replayed step's outcome comes from."""

    RECORDED = "recorded"  # the result on record: it was given the same
    EVALUATED = "evaluated"  # worked out again: it depends on what is known alone
    ASKED = "asked"  # a model was asked again, at another tier
    WOULD_RUN = "would_run"  # not done: nothing is on record for what it is given
    OPEN = "open"  # the recorded run stood here when it was last seen, or was stopped
    UNKNOWN = "unknown"  # depends on something that only a real run would tell
    NOT_REACHED = "not_reached"  # on record, and not on the way of this replay


class Difference(StrEnum):
    """How a replayed step compares with the recorded one."""

    SAME = "same"
    CHANGED_OUTPUT = "changed_output"
    CHANGED_INPUT = "changed_input"
    ONLY_RECORDED = "only_recorded"
    ONLY_NEW = "only_new"


@dataclass(frozen=True, slots=True)
class ReplayedStep:
    """One visit to a step; ``before`` is what is on record, ``after`` what the replay has.

    ``before`` and ``after`` are inputs where the input changed, else outputs; both are empty where
    nothing differs. ``visit`` counts from 1.
    """

    scope: str
    step_id: str
    kind: str
    visit: int
    way: Way
    difference: Difference
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Replay:
    """A run beside its replay, step by step.

    ``state_hash`` is the SHA-256 of the dump of the state that the recorded events give.
    ``replayed_status`` is ``running`` where the replay could not tell how it would end.
    ``cost_micro`` counts millionths of ``currency`` that asking models again has cost.
    """

    workflow: str
    recorded_hash: str
    replayed_hash: str
    tier: str
    seq: int
    state_hash: str
    recorded_status: str
    replayed_status: str
    steps: Sequence[ReplayedStep]
    would_undo: Sequence[str] = ()
    cost_micro: int = 0
    currency: str = ""
    tokens: int = 0

    @property
    def is_same(self) -> bool:
        """Tell whether the replay took the same way with the same outcomes."""
        return all(step.difference is Difference.SAME for step in self.steps)

    @property
    def differing(self) -> list[ReplayedStep]:
        """Return the steps in which the two differ."""
        return [step for step in self.steps if step.difference is not Difference.SAME]
