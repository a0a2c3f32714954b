"""Time the busiest REST calls of the running stack beside the usual ways (`make up` first).

One read of one row by its id, sixteen clients on kept connections, in turns: ours with API key,
rate limit, tenant and contracts; stock DRF on uvicorn with token, throttle and pool; FastAPI with
asyncpg and nothing else. Each is one process, on the same Postgres, asked by the same client. Then
every busy route of ours, and `POST /chat/message` as far as its acceptance. Our limits stay on: the
bench's key has its own of 100,000 calls a minute. The last line is one JSON object; exits 0 only if
every answer was a success and every target was met.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.support.load import LOOPBACK, MakeRequest, Measured, load_run, request_bytes
from bench.support.peers.serving import Peer, peers_running

ROOT = Path(__file__).resolve().parent.parent
TENANT = "acme"
CLIENTS = 16
ROUNDS = 9
ROUND_SECONDS = 1.5
ROUTE_SECONDS = 1.5
CALLS_PER_MINUTE = 100_000
TIMES_STOCK, SHARE_OF_BARE, P50_MS, P95_MS = 3.0, 0.15, 100.0, 500.0
LISTS = (
    "conversations",
    "customers",
    "documents",
    "orders",
    "products",
    "router/decisions",
    "runs",
)
REPORTS = ("auth/me", "usage", "analytics/daily", "workflows")


class Stack:
    """The running stack, with a key of the bench's own for as long as it runs."""

    def __init__(self, path: Path) -> None:
        tenant = json.loads(path.read_text())["tenants"][TENANT]
        self.host = urlsplit(str(tenant["base_url"])).netloc
        self.port = urlsplit(str(tenant["base_url"])).port or 80
        self._owner = str(tenant["api_key"])
        self.key = ""

    @contextmanager
    def keyed(self) -> Iterator[None]:
        """Make a key with every scope of the demo's own, and revoke it at the end."""
        scopes = self.call("auth/me")["scopes"]
        body = {"name": "bench", "scopes": scopes, "requests_per_minute": CALLS_PER_MINUTE}
        made = self.call("api-keys", body=body)
        self.key = made["secret"]
        try:
            yield
        finally:
            self.call(f"api-keys/{made['id']}", method="DELETE")

    def call(self, path: str, *, method: str = "", body: Any = None) -> Any:
        """Make one call with the demo's key; returns its JSON."""
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self.port}/api/v1/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={**self._headers(self._owner), "Content-Type": "application/json"},
            method=method or ("GET" if body is None else "POST"),
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - loopback
            return json.loads(response.read() or b"null")

    def reading(self, path: str) -> MakeRequest:
        sent = request_bytes(f"/api/v1/{path}", self._headers(self.key))
        return lambda: sent

    def saying(self) -> MakeRequest:
        """Return requests that say something, as sixteen people who wait for no answer."""
        run, turn = uuid.uuid4().hex[:8], count()
        headers = {**self._headers(self.key), "Prefer": "wait=0"}

        def make() -> bytes:
            body = {
                "message": "How long do I have to return a jacket?",
                "user_id": f"bench-{run}-{next(turn) % CLIENTS}",
            }
            return request_bytes("/api/v1/chat/message", headers, method="POST", body=body)

        return make

    def _headers(self, key: str) -> dict[str, str]:
        return {"Host": self.host, "Authorization": f"Bearer {key}"}


class Failed(SystemExit):
    """Ends the bench when an answer was no success: its figures would mean nothing."""


def loaded(port: int, make: MakeRequest, seconds: float) -> Measured:
    """Run one round; raises Failed unless every answer was a success."""
    measured = load_run(port=port, make=make, clients=CLIENTS, seconds=seconds)
    if any(status >= 300 for status in measured.statuses):
        raise Failed(f"Port {port} answered {dict(measured.statuses)}.")
    return measured


def side_by_side(stack: Stack, product: str, peers: Sequence[Peer]) -> dict[str, list[Measured]]:
    """Return the rounds of ours and of each peer, taken in turns, after one to warm up."""
    asked = {"ours": (stack.port, stack.reading(f"products/{product}"))}
    for peer in peers:
        sent = request_bytes(f"/products/{product}", peer.headers)
        asked[peer.name] = (peer.port, lambda sent=sent: sent)  # type: ignore[misc]
    for port, make in asked.values():
        loaded(port, make, 1.0)
    rounds: dict[str, list[Measured]] = {name: [] for name in asked}
    for _ in range(ROUNDS):
        for name, (port, make) in asked.items():
            rounds[name].append(loaded(port, make, ROUND_SECONDS))
    return rounds


def routes_timed(stack: Stack) -> dict[str, dict[str, float]]:
    """Return rps, p50 and p95 of every busy route; the one that makes work comes last."""
    firsts = {path: stack.call(path)["results"] for path in LISTS}
    singles = [f"{path}/{found[0]['id']}" for path, found in firsts.items() if found]
    conversation = firsts["conversations"][0]["id"] if firsts["conversations"] else None
    if conversation:
        singles.append(f"conversations/{conversation}/messages")
    found = {}
    for path in (*REPORTS, *LISTS, *singles):
        measured = loaded(stack.port, stack.reading(path), ROUTE_SECONDS)
        found[f"GET {_without_ids(path)}"] = figures(measured)
    found["POST chat/message"] = figures(loaded(stack.port, stack.saying(), ROUTE_SECONDS))
    return found


def _without_ids(path: str) -> str:
    return "/".join("{id}" if part.count("-") == 4 else part for part in path.split("/"))


def figures(measured: Measured) -> dict[str, float]:
    cuts = statistics.quantiles(measured.times, n=20)
    return {
        "rps": round(measured.per_second),
        "p50_ms": round(cuts[9] * 1000, 1),
        "p95_ms": round(cuts[18] * 1000, 1),
    }


def median_of(rounds: Sequence[Measured], name: str) -> float:
    return statistics.median(figures(measured)[name] for measured in rounds)


def ratio(rounds: dict[str, list[Measured]], peer: str) -> float:
    """Return ours to theirs: the median of what each pair of neighbouring rounds says."""
    pairs = zip(rounds["ours"], rounds[peer], strict=True)
    return statistics.median(ours.per_second / theirs.per_second for ours, theirs in pairs)


def missed(result: dict[str, Any]) -> list[str]:
    """Return the targets that were not met, in words."""
    wanted = {
        f"{TIMES_STOCK} times stock DRF": result["ratio_stock"] >= TIMES_STOCK,
        f"{SHARE_OF_BARE} of a bare SELECT": result["ratio_fastapi"] >= SHARE_OF_BARE,
    }
    for route, timed in result["routes"].items():
        is_met = timed["p50_ms"] <= P50_MS and timed["p95_ms"] <= P95_MS
        wanted[f"{route} in {P50_MS:.0f}/{P95_MS:.0f} ms"] = is_met
    return [target for target, is_met in wanted.items() if not is_met]


def measure(stack: Stack) -> dict[str, Any]:
    """Return the ratios and the times of every route."""
    with stack.keyed():
        product = stack.call("products")["results"][0]["id"]
        with peers_running(tenant_schema=f"t_{TENANT}") as peers:
            rounds = side_by_side(stack, product, peers)
        rps = {name: median_of(found, "rps") for name, found in rounds.items()}
        routes = routes_timed(stack)
    return {
        **{f"{name}_rps": value for name, value in rps.items()},
        "ratio_stock": round(ratio(rounds, "stock"), 2),
        "ratio_fastapi": round(ratio(rounds, "fastapi"), 3),
        "ours_p50_ms": median_of(rounds["ours"], "p50_ms"),
        "ours_p95_ms": median_of(rounds["ours"], "p95_ms"),
        "clients": CLIENTS,
        "routes": routes,
    }


def main() -> int:
    path = Path(os.environ.get("VAR_DIR") or ROOT / "var") / "demo.json"
    if not path.is_file():
        raise SystemExit(f"{path} is missing: run `make up` first.")
    result = measure(Stack(path))
    result["missed"] = missed(result)
    print(json.dumps(result))
    return 1 if result["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
