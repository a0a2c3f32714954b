"""Ask models again, at another tier, for a replay. This is the one thing in it that costs."""

import time
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import uuid4

from routing.types import Tier
from workflows.engine.step import StepContext, StepOutcome, step_get
from workflows.engine.stepping import seconds_for
from workflows.spec.graph import Node

# Only they can be asked twice: a router's decision is put on record, a reply is sent.
_ASKED: Final = "llm"


@dataclass(slots=True)
class Asking:
    """The tier that is asked, and what it has taken so far."""

    tier: Tier
    cost_micro: int = 0
    currency: str = ""
    tokens: int = 0

    def is_meant(self, node: Node) -> bool:
        """Tell whether a step is one that is asked again."""
        return node.kind.name == _ASKED

    def ask(self, node: Node, context: StepContext) -> StepOutcome[Any]:
        """Complete at this tier through routing, under an id of its own; publishes nothing.

        The workspace's budgets for models hold, so beyond them the local provider answers.
        """
        config = node.config.model_copy(update={"tier": self.tier.value})
        deadline = time.monotonic() + seconds_for(node)
        apart = replace(context, run_id=uuid4(), deadline=deadline)
        came = step_get(_ASKED).run(config, apart)
        assert isinstance(came, StepOutcome)
        self._count(came)
        return came

    def _count(self, came: StepOutcome[Any]) -> None:
        output = came.output.model_dump(mode="json")
        self.cost_micro += came.cost_micro
        self.currency = came.currency or self.currency
        self.tokens += output["tokens_in"] + output["tokens_out"]
