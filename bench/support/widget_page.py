"""A shop's page on another origin, under a strict policy, and a visitor's browser on it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, Frame, FrameLocator, Page, Request, Response

CHROMIUM: Final = "/usr/bin/chromium"
FLAGS: Final = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PANEL: Final = "/widget/panel/"
# The page's own content is not what is measured: only the widget's part of it is looked at.
WIDGET: Final = "#frontdesk-widget"
PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"></head>
<body><main><h1>Shop</h1><p><a href="/cart">Cart</a></p></main>
<script src="{origin}/widget.js" data-key="{key}"{more} async></script></body></html>"""
POLICY: Final = (
    "default-src 'none'; script-src {origin}; frame-src {origin}; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


@dataclass
class Shop:
    """What the shop's page says of the widget: whose it is, and what stands in the script tag."""

    origin: str = ""
    key: str = ""
    more: str = ""
    address: str = ""


@contextmanager
def shop_served() -> Iterator[Shop]:
    """Serve the page on a free port; what `Shop` says may change while it is served."""
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            if self.path != "/":
                self.send_error(404)
                return
            content = PAGE.format(origin=shop.origin, key=shop.key, more=shop.more).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", POLICY.format(origin=shop.origin))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    shop.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield shop
    finally:
        server.shutdown()


@dataclass
class Seen:
    """What a browser asked for, was answered and complained about."""

    requests: list[Request] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    sockets: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def follow(self, context: BrowserContext) -> None:
        """Note everything that pages of the context do from now on."""
        context.on("request", lambda request: self.requests.append(request))
        context.on("response", lambda response: self.responses.append(response))
        context.on("console", lambda said: self._complained(said.type, said.text))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("page", self._opened)

    def _opened(self, page: Page) -> None:
        page.on("websocket", lambda socket: self.sockets.append(socket.url))

    def _complained(self, kind: str, text: str) -> None:
        if kind == "error" and "favicon" not in text:
            self.complaints.append(text)

    def foreign(self, *own: str) -> list[str]:
        """Return the addresses asked for that are none of these hosts' (with port)."""
        asked = [request.url for request in self.requests if not request.url.startswith("data:")]
        return [url for url in [*asked, *self.sockets] if urlsplit(url).netloc not in own]


def panel_of(page: Page) -> FrameLocator:
    """Return the panel in the page, to find things in."""
    return page.frame_locator(f"{WIDGET} iframe")


def panel_frame(page: Page) -> Frame:
    """Return the panel's frame, to run scripts in; raises LookupError when there is none."""
    for frame in page.frames:
        if urlsplit(frame.url).path == PANEL:
            return frame
    raise LookupError("The panel is not in the page.")


def panel_open(page: Page) -> FrameLocator:
    """Open the panel and return it once a visitor can write."""
    page.locator(f"{WIDGET} button").first.click()
    panel = panel_of(page)
    panel.locator("#log[aria-busy=false]").wait_for()
    return panel


def violations(place: Page | Frame, within: str = "") -> list[str]:
    """Return what axe-core finds fault with: rule, element and why, one line each."""
    place.evaluate(AXE_SCRIPT + "; null")
    found: dict[str, Any] = place.evaluate(
        "(within) => axe.run(within || document, { resultTypes: ['violations'] })", within
    )
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
