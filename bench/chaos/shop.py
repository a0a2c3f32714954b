"""A shop that acts and then loses its reply: what the runs of the storm act on.

It remembers each effect by the key of the call, as a real payment provider does, and for some calls
acts and hangs up, or is too busy to act. It lives in the process that is not killed.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOSES_REPLY, IS_BUSY = 0.08, 0.04


@dataclass
class Effects:
    """What the shop has done: effects by key, each with its name and the run that wanted it."""

    random: random.Random
    by_key: dict[str, tuple[str, str]] = field(default_factory=dict)
    lost_replies: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def act(self, key: str, name: str, run_id: str) -> str:
        """Act once per key; return what becomes of the reply: sent, lost or busy."""
        with self.lock:
            chance = self.random.random()
            if chance < IS_BUSY:
                return "busy"
            self.by_key.setdefault(key, (name, run_id))
            if chance < IS_BUSY + LOSES_REPLY:
                self.lost_replies += 1
                return "lost"
            return "sent"

    def of_runs(self) -> dict[str, list[str]]:
        """Return the effects of each run, in order."""
        found: dict[str, list[str]] = {}
        for name, run_id in list(self.by_key.values()):
            found.setdefault(run_id, []).append(name)
        return found


def _handler(effects: Effects) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            call: dict[str, Any] = json.loads(self.rfile.read(length))
            outcome = effects.act(call["key"], call["name"], call["run_id"])
            if outcome == "lost":
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(503 if outcome == "busy" else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as above
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of callers that were killed."""


@contextmanager
def shop_open(effects: Effects) -> Iterator[str]:
    """Serve for the length of a block; yields the address."""
    server = _Server(("127.0.0.1", 0), _handler(effects))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
