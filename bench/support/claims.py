"""An agent claims at a random moment around the reply, on the running stack."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from bench.support.burst_counts import around_claim, calm_await
from bench.support.stack import RunningStack
from bench.support.visits import CHAT, Workspace

AT_ONCE: Final = 6
# After the visitor's message: around a reply that comes at once, and one to a burst.
SOON_SECONDS: Final = (0.0, 0.25)
LATER_SECONDS: Final = (0.0, 3.0)


@dataclass(frozen=True, slots=True)
class Round:
    """One conversation: what is said, and how long after it the agent claims."""

    texts: Sequence[str]
    claim_after: float


def claims_at_random(
    stack: RunningStack,
    workspace: Workspace,
    questions: Sequence[str],
    *,
    rounds: int,
    chance: random.Random,
) -> dict[str, Any]:
    """Let the agent claim in every round and count what the AI said before and afterwards."""
    planned = [_planned(number, questions, chance) for number in range(rounds)]
    token = workspace.agent_token()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        claimed = list(pool.map(lambda found: _claimed(workspace, found, token), planned))
    with stack.database() as connection:
        calm_await(connection, workspace.schema)
        after, before = around_claim(connection, workspace.schema, claimed)
    return {
        "ai_after_claim": after,
        "claims": rounds,
        "claims_after_the_reply": before,
        "claims_before_the_reply": rounds - before,
    }


def _planned(number: int, questions: Sequence[str], chance: random.Random) -> Round:
    question = chance.choice(questions)
    if number % 2:
        return Round([question], chance.uniform(*SOON_SECONDS))
    halves = question[: len(question) // 2], question[len(question) // 2 :]
    return Round(halves, chance.uniform(*LATER_SECONDS))


def _claimed(workspace: Workspace, found: Round, token: str) -> str:
    """Write and claim at the same time, write once more; returns the conversation."""
    session = workspace.session()
    conversation = str(session["conversation_id"])
    visitor = str(session["visitor_token"])

    def say(text: str) -> None:
        body = {"message": text, "conversation_id": conversation, "client_id": uuid4().hex}
        workspace.ask("POST", CHAT, body, bearer=visitor)

    for text in found.texts[:-1]:
        say(text)
    with ThreadPoolExecutor(1) as agent:
        claim = agent.submit(_claim_later, workspace, conversation, found, token)
        say(found.texts[-1])
        claim.result()
    say("And what about the rest of it, please?")
    return conversation


def _claim_later(workspace: Workspace, conversation: str, found: Round, token: str) -> None:
    time.sleep(found.claim_after)
    workspace.ask("POST", f"/api/v1/conversations/{conversation}/claim", {}, bearer=token)
