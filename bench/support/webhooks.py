"""One message delivered fifty times at once, as providers do that are not sure we have it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from uuid import uuid4

from bench.support.burst_counts import calm_await, stored_count
from bench.support.stack import RunningStack
from bench.support.visits import CHAT, Answer, Workspace

REQUESTS: Final = 50
IN_FLIGHT: Final = 409


def webhooks_deliver(
    stack: RunningStack, workspace: Workspace, *, deliveries: int
) -> dict[str, Any]:
    """Deliver messages, each by fifty requests at once, and count what is stored of each."""
    client_ids = [f"webhook-{uuid4().hex}" for _ in range(deliveries)]
    statuses: Counter[int] = Counter()
    named: list[int] = []
    with ThreadPoolExecutor(REQUESTS) as pool:
        for client_id in client_ids:
            answers = _delivered(pool, workspace, client_id)
            statuses.update(answer.status for answer in answers)
            named.append(len({_message(answer) for answer in answers} - {""}))
    with stack.database() as connection:
        calm_await(connection, workspace.schema)
        stored = [stored_count(connection, workspace.schema, name) for name in client_ids]
    return {
        "webhooks": deliveries,
        "webhook_requests": deliveries * REQUESTS,
        "webhook_statuses": {str(status): count for status, count in sorted(statuses.items())},
        "messages_per_webhook": round(sum(stored) / deliveries, 4),
        "most_per_webhook": max(stored),
        "most_ids_told_per_webhook": max(named),
    }


def _delivered(pool: ThreadPoolExecutor, workspace: Workspace, client_id: str) -> Sequence[Answer]:
    """Send fifty requests at the same moment; every other one carries the key as well."""
    gate = threading.Barrier(REQUESTS)
    body = {"message": "Is anybody there?", "user_id": client_id, "client_id": client_id}

    def send(number: int) -> Answer:
        key = {"Idempotency_Key": client_id} if number % 2 else {}
        gate.wait()
        return workspace.call("POST", CHAT, body, bearer=workspace.api_key, **key)

    return list(pool.map(send, range(REQUESTS)))


def _message(answer: Answer) -> str:
    return str(answer.body.get("message_id") or "") if answer.status != IN_FLIGHT else ""
