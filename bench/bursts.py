"""Five messages make one reply, fifty deliveries one message, and a claim silences the AI.

On a stack of its own with the demo's documents:

- **Bursts.** 500 visitors say one question in five messages within about two seconds, half by
  socket, half over REST. Each has to get one reply, which answers all five. 50 more say five whole
  questions instead of one in five parts; what they get is told, and has no target.
- **Webhook.** There are no provider channels yet; what a provider that delivers a message fifty
  times will meet is the intake they are to call, so this calls it over REST: 50 messages, each sent
  by 50 requests at the same moment under one client id (the provider's message id), half of which
  also carry one `Idempotency-Key`. Each message has to be stored once.
- **Claim.** 300 visitors write while an agent claims at a random moment: before, during or after
  the reply. Then, on servers of its own without workers, a claim is made before and after every
  statement of the reply's path, and the reply's path is gone before and after every statement of a
  claim (`bench/support/interleavings.py`). No message of the AI may follow the claim.

The last line is one JSON object; exits 0 only if every target holds.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import yaml

from bench.support import burst_counts
from bench.support.burst_talks import MESSAGES, Burst, bursts_hold, bursts_make, parts_of
from bench.support.claims import claims_at_random
from bench.support.interleavings import interleavings_run
from bench.support.stack import RunningStack, stack_up
from bench.support.visits import CHAT, Workspace
from bench.support.webhooks import webhooks_deliver
from config.env import BASE_DIR

TENANT: Final = "acme"
BURSTS, WHOLE_BURSTS, AT_ONCE = 500, 50, 20
DELIVERIES, CLAIMS = 50, 300
SEED: Final = 7
ANSWER_SECONDS: Final = 20
# One caller sends what thousands would.
UNHURRIED: Final = """
import json, sys
from core import tenancy
from tenants.models import Tenant
from tenants.services import tenant_limits_set
slug = json.loads(sys.stdin.read())
with tenancy.platform_scope():
    tenant_limits_set(tenant_id=Tenant.objects.get(slug=slug).pk, limits={"rate_percent": 100_000})
print("true")
"""


def measure(stack: RunningStack) -> dict[str, Any]:
    """Do everything that needs a whole stack."""
    workspace = Workspace.of_demo(stack, TENANT)
    stack.shell(UNHURRIED, TENANT)
    questions = answered_by_ai(workspace, questions_read())
    chance = random.Random(SEED)  # noqa: S311 - to be repeated
    found = bursts_measure(stack, workspace, questions, chance)
    found |= webhooks_deliver(stack, workspace, deliveries=DELIVERIES)
    return found | claims_at_random(stack, workspace, questions, rounds=CLAIMS, chance=chance)


def questions_read() -> list[str]:
    """Return the tenant's questions that are long enough to be said in five messages."""
    listed = yaml.safe_load((BASE_DIR / "tests/knowledge/questions.yaml").read_text())["questions"]
    asked = [entry["question"] for entry in listed if entry["tenant"] == TENANT]
    return [question for question in asked if len(parts_of(question)) == MESSAGES]


def answered_by_ai(workspace: Workspace, questions: list[str]) -> list[str]:
    """Return the questions that the AI answers, in five lines too; others go to a person."""

    def is_answered(question: str) -> bool:
        text, key = "\n".join(parts_of(question)), workspace.api_key
        body = {"message": text, "user_id": f"tried: {question}"}
        wait = f"wait={ANSWER_SECONDS}"
        answer = workspace.call("POST", CHAT, body, bearer=key, Prefer=wait)
        return answer.body.get("status") == "answered"

    with ThreadPoolExecutor(2) as pool:
        kept = [
            question
            for question, is_kept in zip(questions, pool.map(is_answered, questions), strict=True)
            if is_kept
        ]
    if not kept:
        raise SystemExit("None of the questions was answered: are the documents there?")
    return kept


def bursts_measure(
    stack: RunningStack, workspace: Workspace, questions: list[str], chance: random.Random
) -> dict[str, Any]:
    """Hold the bursts and count what they got."""
    thoughts = [parts_of(question) for question in questions]
    bursts = bursts_make(thoughts, BURSTS, chance)
    fives = [chance.sample(questions, MESSAGES) for _ in range(WHOLE_BURSTS)]
    whole = bursts_make(fives, WHOLE_BURSTS, chance)
    began = time.monotonic()
    for some in (bursts, whole):
        asyncio.run(_hold(workspace, some))
    seconds = time.monotonic() - began
    with stack.database() as connection:
        burst_counts.calm_await(connection, workspace.schema)
        counted = burst_counts.bursts_count(connection, workspace.schema, bursts)
        counted_whole = burst_counts.bursts_count(connection, workspace.schema, whole)
    replied = [burst.reply_ms for burst in bursts if burst.reply_ms is not None]
    return {
        "bursts": counted.bursts,
        "burst_messages": counted.messages,
        "replies_per_burst": counted.replies_per_burst,
        "bursts_with_one_reply": counted.with_one,
        "replies_to_all_five": counted.to_all_five,
        "reply_p50_ms": percentile(replied, 0.5),
        "reply_p95_ms": percentile(replied, 0.95),
        "burst_seconds": percentile([burst.seconds for burst in bursts], 0.5),
        "bursts_in_s": round(seconds, 1),
        "replies_per_five_whole_questions": counted_whole.replies_per_burst,
    }


async def _hold(workspace: Workspace, bursts: list[Burst]) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2 * AT_ONCE))
    await bursts_hold(workspace, bursts, AT_ONCE)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else 0.0


def targets_hold(found: dict[str, Any]) -> bool:
    """Return whether everything happened that should, and nothing else."""
    return bool(
        found["replies_per_burst"] == 1.0
        and found["bursts_with_one_reply"] == found["replies_to_all_five"] == BURSTS
        and found["burst_messages"] == BURSTS * MESSAGES
        and found["messages_per_webhook"] == found["most_per_webhook"] == 1
        and found["ai_after_claim"] == 0
        and found["claims"] > 0
    )


def main() -> int:
    with stack_up("bursts", {}) as stack:
        found = measure(stack)
    placed = interleavings_run()
    found["ai_after_claim"] += placed.pop("ai_after_claim")
    found |= placed
    print(json.dumps(found))
    return 0 if targets_hold(found) else 1


if __name__ == "__main__":
    sys.exit(main())
