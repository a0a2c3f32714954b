"""Search a history of a million messages over REST, as the inbox does.

On a Postgres of its own, which is filled first (two to four minutes) and vacuumed, as a history
that grew over months has been. Fourteen kinds of queries, forty of each, in random order: common,
rare, both, two common words that rarely meet, beginnings, phrases, order numbers, names, addresses,
nothing, narrowed by state or label, later pages. Times are whole requests: authentication, limits,
search, fifty results with conversation and message.

The last line is one JSON object: messages, conversations, p50_ms, p95_ms, slowest by kind, and
`ilike_p50_ms`: what the same words cost with `ILIKE '%word%'`, as inboxes without an index search.
Exit 1 when p95_ms is over 200, or when a search found what it should not or did not find what it
should.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from bench.support.history import SEED, History
from config.scratch import scratch_servers

MESSAGES: Final = 1_000_000
EACH: Final = 40
ILIKE: Final = 12
TARGET_MS: Final = 200.0
PATH: Final = "/api/v1/conversations/search"

Query = dict[str, str]
Ask = Callable[[Query], Any]


def queries_made(history: History) -> Iterator[tuple[str, Query]]:
    """Yield each query with its kind."""
    chance = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    words = history.words

    def word(first: int, last: int) -> str:
        return words[chance.randrange(first, last)]

    for _ in range(EACH):
        said = chance.choice(history.said).split()
        person = chance.choice(history.people)
        at = chance.randrange(len(said) - 2)
        yield "common", {"search": word(0, 20)}
        yield "middling", {"search": word(200, 1_000)}
        yield "rare", {"search": word(20_000, 40_000)}
        yield "two common", {"search": f"{word(0, 20)} {word(0, 20)}"}
        yield "two middling", {"search": f"{word(100, 600)} {word(100, 600)}"}
        yield "common and rare", {"search": f"{word(0, 20)} {word(9_000, 40_000)}"}
        yield "beginning", {"search": word(500, 40_000)[:3]}
        yield "phrase", {"search": f'"{" ".join(said[at : at + 3])}"'}
        yield "order number", {"search": chance.choice(history.orders)}
        yield "name", {"search": person[0]}
        yield "address", {"search": person[1]}
        yield "nothing", {"search": f"{word(0, 50)} qqq{word(0, 50)}"}
        yield "state", {"search": word(50, 400), "state": "ai"}
        yield "label", {"search": word(50, 400), "label": "refund"}


def timed(ask: Ask, query: Query) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = ask(query)
    return (time.perf_counter() - began) * 1000, answer


def measured(ask: Ask, history: History) -> dict[str, list[float]]:
    """Return the milliseconds of every query by kind, and of the second and third pages."""
    queries = list(queries_made(history))
    random.Random(SEED).shuffle(queries)  # noqa: S311 - as above
    times: dict[str, list[float]] = {}
    for kind, query in queries:
        spent, answer = timed(ask, query)
        times.setdefault(kind, []).append(spent)
        check(kind, query, answer)
        for _ in range(2):
            if kind not in {"common", "middling"} or not answer["next"]:
                break
            following = answer["next"].partition("cursor=")[2].partition("&")[0]
            spent, answer = timed(ask, {**query, "cursor": following})
            times.setdefault("later pages", []).append(spent)
    return times


def check(kind: str, query: Query, answer: Any) -> None:
    """Raise RuntimeError for an answer that cannot be right."""
    found = len(answer["results"])
    is_wrong = found != 0 if kind == "nothing" else found == 0
    if is_wrong and kind not in {"two middling", "common and rare"}:  # those may never meet
        raise RuntimeError(f"{kind} {query}: {found} found")
    if kind in {"common", "rare"}:
        for row in answer["results"]:
            customer = row["conversation"]["customer"]
            said = f"{row['message']['text']} {customer['name']} {customer['email']}".lower()
            if query["search"] not in said:
                raise RuntimeError(f"{query} is not in {said}")


def by_ilike(history: History) -> list[float]:
    """Return the milliseconds of a search that reads every message."""
    from conversations.models import Message

    chance = random.Random(SEED)  # noqa: S311 - as above
    times = []
    for _ in range(ILIKE):
        word = history.words[chance.randrange(200, 40_000)]
        began = time.perf_counter()
        said = Message.objects.filter(text__icontains=word).order_by("-created_at")
        list(said.values_list("conversation_id", flat=True)[:50])
        times.append((time.perf_counter() - began) * 1000)
    return times


def run(size: int) -> dict[str, object]:
    """Fill a workspace, search it, and return the figures."""
    from django.db import connection

    from core import tenancy
    from tenants.services import api_key_create, tenant_create

    with tenancy.public_scope():
        tenant = tenant_create(name="History", slug="history").context
    history = History(size)
    with tenancy.tenant_scope(tenant):
        key = api_key_create(name="bench", scopes=["conversations:read"]).secret
        began = time.perf_counter()
        with connection.cursor() as cursor:
            conversations = history.load(cursor.cursor)
            for table in ("customer", "conversation", "message"):
                cursor.execute(f"VACUUM (ANALYZE) conversations_{table}")
        sys.stderr.write(f"filled in {time.perf_counter() - began:.0f} s\n")
        slow = by_ilike(history)
    times = measured(asker(key), history)
    return {"messages": size, "conversations": conversations, **figures(times, slow)}


def asker(key: str) -> Ask:
    """Return a function that searches over REST."""
    from django.test import Client

    client = Client(headers={"host": "history.localhost", "Authorization": f"Bearer {key}"})

    def ask(query: Query) -> Any:
        answer = client.get(PATH, query)
        if answer.status_code != 200:
            raise RuntimeError(f"{query}: {answer.status_code} {answer.content[:500]!r}")
        return answer.json()

    return ask


def figures(times: dict[str, list[float]], slow: list[float]) -> dict[str, object]:
    every = sorted(spent for spents in times.values() for spent in spents)
    return {
        "searches": len(every),
        "p50_ms": round(statistics.median(every), 1),
        "p95_ms": round(statistics.quantiles(every, n=20)[18], 1),
        "p99_ms": round(statistics.quantiles(every, n=100)[98], 1),
        "p95_ms_by_kind": {
            kind: round(statistics.quantiles(spent, n=20)[18], 1)
            for kind, spent in sorted(times.items())
        },
        "ilike_p50_ms": round(statistics.median(slow), 1),
    }


def main() -> int:
    """Print the figures; 0 when 95 of a hundred searches take 200 ms at most."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES
    with scratch_servers():
        import django

        django.setup()
        found = run(size)
    sys.stdout.write(json.dumps(found) + "\n")
    return 0 if float(str(found["p95_ms"])) <= TARGET_MS else 1


if __name__ == "__main__":
    sys.exit(main())
