"""Interleave four tenants' work through every way into the application and look for leaks.

HTTP (the WSGI application, in process), sockets (the ASGI application), Celery (a real worker with
threads), plain threads and async hops run at the same time, on servers and a database of their own.
Every operation reads or writes data marked with its tenant and checks that it met no other mark.
Prints one JSON object on its last line: operations, crossed, a count per kind, seconds. Ends with 0
only if all were done and none crossed.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from config.env import BASE_DIR
from config.scratch import scratch_servers

TENANTS = 4
PLAN = {"http": 10_000, "sockets": 10_000, "celery": 30_000, "threads": 30_000, "hops": 30_000}
# Each divides its part of the plan, so that the counts come out exactly.
HTTP_THREADS, THREADS, HOPPERS, SOCKETS, PER_TASK = 4, 8, 40, 40, 25
CELERY_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Side:
    """One tenant of the bench: its mark is in everything it owns."""

    mark: str
    tenant: Any
    secret: str
    conversation: str


class Tally:
    """Counts of all kinds, from all threads."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.crossed: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, kind: str, crossed: int, count: int = 1) -> None:
        with self._lock:
            self.done[kind] += count
            self.crossed[kind] += crossed


def sides_make() -> list[Side]:
    return [_side(f"mark-{number}") for number in range(TENANTS)]


def _side(mark: str) -> Side:
    from commerce.models import Product
    from conversations.models import Conversation, Customer
    from core import tenancy
    from tenants.services import api_key_create, tenant_create
    from tenants.types import SCOPES

    tenant = tenant_create(name=mark, slug=f"bench-{mark}").context
    with tenancy.tenant_scope(tenant):
        Product.objects.create(sku=mark, name=mark, price_minor=1, currency="EUR")
        conversation = Conversation.objects.create(customer=Customer.objects.create(name=mark))
        secret = api_key_create(name=mark, scopes=SCOPES).secret
    return Side(mark, tenant, secret, str(conversation.pk))


def spread(sides: list[Side], kind: str, step: int = 1) -> list[Side]:
    """Return whose turn it is for each operation of a kind: always somebody else's next."""
    return list(islice(cycle(sides), PLAN[kind] // step))


def http_run(sides: list[Side], tally: Tally) -> None:
    with ThreadPoolExecutor(HTTP_THREADS) as pool:
        for crossed in pool.map(_request, spread(sides, "http"), range(PLAN["http"])):
            tally.add("http", crossed)


def _request(side: Side, turn: int) -> int:
    """Write or read through REST; returns 1 if the answer is not all this tenant's."""
    from django.test import Client

    headers = {
        "host": f"{side.tenant.slug}.localhost",
        "authorization": f"Bearer {side.secret}",
    }
    client = Client(headers=headers)
    if turn // TENANTS % 3 == 0:
        body = {"title": side.mark}
        changed = client.patch("/api/v1/widget", body, content_type="application/json")
        return int(changed.json().get("title") != side.mark)
    path, field = (("products", "name"), ("customers", "name"))[turn // TENANTS % 2]
    found = client.get(f"/api/v1/{path}").json().get("results", [])
    return int({row[field] for row in found} != {side.mark})


def threads_run(sides: list[Side], tally: Tally) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        for crossed in pool.map(_entered, spread(sides, "threads"), range(PLAN["threads"])):
            tally.add("threads", crossed)


def _entered(side: Side, turn: int) -> int:
    from bench.support.marks import touch
    from core import tenancy

    with tenancy.tenant_scope(side.tenant):
        return touch(mark=side.mark, turn=turn // TENANTS)


def loop_run(sides: list[Side], tally: Tally) -> None:
    """Run hops and sockets in one event loop, as the realtime process does."""
    asyncio.run(_loop(sides, tally))


async def _loop(sides: list[Side], tally: Tally) -> None:
    turns = PLAN["hops"] // HOPPERS
    pings = PLAN["sockets"] // SOCKETS
    hoppers = [_hop(side, turns, tally) for side in islice(cycle(sides), HOPPERS)]
    lines = [_line(side, pings, tally) for side in islice(cycle(sides), SOCKETS)]
    await asyncio.gather(*hoppers, *lines)


async def _hop(side: Side, turns: int, tally: Tally) -> None:
    """Enter the tenant once, then do each operation in a hop of its own."""
    from bench.support.marks import touch
    from core import tenancy
    from core.realtime.threads import in_thread

    with tenancy.tenant_scope(side.tenant):
        for turn in range(turns):
            tally.add("hops", await in_thread(touch, mark=side.mark, turn=turn))
            await asyncio.sleep(0)


async def _line(side: Side, pings: int, tally: Tally) -> None:
    """Open the tenant's conversation and ask for its position again and again."""
    from core.realtime.connection import FRAMES_A_SECOND

    line = _connected(side)
    await line.send_input({"type": "websocket.connect"})
    await line.receive_output(timeout=60)
    await _said(line, {"type": "hello"}, "welcome")
    opening = {"type": "open", "conversation": side.conversation}
    opened = await _said(line, opening, "opened")
    for _ in range(pings):
        pong = await _said(line, {"type": "ping"}, "pong")
        positions = {(found["conversation"], found["epoch"]) for found in pong["positions"]}
        tally.add("sockets", int(positions != {(side.conversation, opened["epoch"])}))
        await asyncio.sleep(1 / FRAMES_A_SECOND)
    await line.send_input({"type": "websocket.disconnect"})
    await line.wait(timeout=10)


def _connected(side: Side) -> Any:
    from asgiref.testing import ApplicationCommunicator

    from config.asgi import application

    communicator: Any = ApplicationCommunicator  # asgiref does not type it
    host = f"{side.tenant.slug}.localhost".encode()
    scope = {"type": "websocket", "path": "/ws/inbox/", "headers": [(b"host", host)]}
    protocols = ["frontdesk.v1", f"token.{side.secret}"]
    return communicator(application, {**scope, "query_string": b"", "subprotocols": protocols})


async def _said(line: Any, frame: dict[str, Any], wanted: str) -> dict[str, Any]:
    """Send a frame and return the answer of the wanted type; raises on an error frame."""
    await line.send_input({"type": "websocket.receive", "text": json.dumps(frame)})
    while True:
        event = await line.receive_output(timeout=60)
        if event["type"] != "websocket.send":
            raise RuntimeError(f"The socket was closed with {event.get('code')}.")
        heard: dict[str, Any] = json.loads(event["text"])
        if heard["type"] == wanted:
            return heard
        if heard["type"] == "error":
            raise RuntimeError(heard["detail"])


def celery_run(sides: list[Side], tally: Tally) -> None:
    """Send runs of operations to a real worker and wait for what it saw."""
    from bench.support.marks import QUEUE, TALLY, touch_task
    from core import tenancy
    from core.redis import redis_client

    for side in spread(sides, "celery", PER_TASK):
        with tenancy.tenant_scope(side.tenant):
            touch_task.apply_async(kwargs={"mark": side.mark, "turns": PER_TASK}, queue=QUEUE)
    client = redis_client()
    deadline = time.monotonic() + CELERY_SECONDS
    while int(client.hget(TALLY, "done") or 0) < PLAN["celery"] and time.monotonic() < deadline:
        time.sleep(0.2)
    done, crossed = (int(client.hget(TALLY, name) or 0) for name in ("done", "crossed"))
    tally.add("celery", crossed, done)


@contextmanager
def worker_running() -> Iterator[None]:
    from bench.support.marks import QUEUE

    command = [
        sys.executable,
        "-m",
        "celery",
        "--quiet",
        "-A",
        "config.celery",
        "worker",
        "--pool=threads",
    ]
    options = ["--concurrency=8", f"--queues={QUEUE}", "--include=bench.support.marks"]
    worker = subprocess.Popen([*command, *options, "--loglevel=ERROR"], cwd=BASE_DIR)  # noqa: S603 - our own program
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(30)


def measure() -> dict[str, Any]:
    """Run all kinds at once; an exception in one leaves it incomplete."""
    from core import tenancy

    tally = Tally()
    with tenancy.public_scope():
        sides = sides_make()
    runs: list[Callable[[list[Side], Tally], None]] = [http_run, threads_run, loop_run, celery_run]
    began = time.perf_counter()
    with worker_running(), ThreadPoolExecutor(len(runs)) as pool:
        for finished in [pool.submit(run, sides, tally) for run in runs]:
            finished.result()
    return {
        "operations": tally.done.total(),
        "crossed": tally.crossed.total(),
        **dict(tally.done),
        "tenants": TENANTS,
        "seconds": round(time.perf_counter() - began, 1),
    }


def main() -> int:
    with scratch_servers():
        import django

        from core import tenancy

        with tenancy.public_scope():
            django.setup()
        result = measure()
        _pools_close()
    print(json.dumps(result))
    is_whole = all(result.get(kind) == count for kind, count in PLAN.items())
    return 0 if is_whole and result["operations"] >= 100_000 and not result["crossed"] else 1


def _pools_close() -> None:
    from django.db import connections

    for connection in connections.all():
        connection.close()
        close_pool: Callable[[], None] = getattr(connection, "close_pool", connection.close)
        close_pool()


if __name__ == "__main__":
    sys.exit(main())
