"""Fixtures of the browser tests: Debian's Chromium, a served checkout, the running stack."""

from __future__ import annotations

import functools
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bench.support.visits import Workspace
from bench.support.widget_page import WIDGET, Seen, Shop, shop_served
from tests.e2e import running
from tests.e2e.running import ROOT

Visit = Callable[..., tuple[Page, Seen]]

LISTEN = """
window.heard = [];
for (const name of ["ready", "open", "close", "error", "message", "unread"]) {
  window.addEventListener(`frontdesk:${name}`, ({ detail }) => window.heard.push([name, detail]));
}
"""
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
FAILED = pytest.StashKey[dict[str, str]]()
expect.set_options(timeout=20_000)  # a busy machine is slow, not wrong


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium once; without it these tests are skipped, and say so."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open a fresh page in a context of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(15_000)
    yield page
    context.close()


@pytest.fixture
def step(request: pytest.FixtureRequest) -> Iterator[None]:
    """Skip what follows a failed step of a story: it would only fail for the same reason."""
    failed = request.session.stash.setdefault(FAILED, {})
    story = request.node.path.name
    if story in failed:
        pytest.skip(f"an earlier step failed: {failed[story]}")
    before = request.session.testsfailed
    yield
    if request.session.testsfailed > before:
        failed[story] = request.node.name


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing: pytest's output is for failures."""

    def do_GET(self) -> None:
        """Serve what the tests load and nothing else of the checkout."""
        if self.path.startswith(("/static/", "/tests/e2e/")):
            super().do_GET()
        else:
            self.send_error(404)


@pytest.fixture(scope="session")
def checkout() -> Iterator[str]:
    """Serve the checkout's static files, for tests of single modules; gives the base URL."""
    handler = functools.partial(_Quiet, directory=str(ROOT))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def stack() -> dict[str, Any]:
    """Describe the running stack; `make up` starts it if it is not up."""
    if not _is_up():
        subprocess.run(["make", "--silent", "up"], cwd=ROOT, env=_own(), check=True, timeout=600)
    return running.demo()


def _own() -> dict[str, str]:
    """Return the environment without pytest's choice of settings: a stack makes its own."""
    chosen = ("DJANGO_SETTINGS_MODULE", "FRONTDESK_DB_ROLE")
    return {name: value for name, value in os.environ.items() if name not in chosen}


def _is_up() -> bool:
    """Tell whether the stack that var/demo.json describes is ready."""
    if not running.DEMO.exists():
        return False
    port = urlsplit(running.demo()["platform"]["base_url"]).port
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def tenant(stack: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = stack["tenants"]["acme"]
    return found


@pytest.fixture(scope="module")
def workspace(tenant: dict[str, Any]) -> Workspace:
    """Return acme as its owner's programs know it."""
    port = urlsplit(tenant["base_url"]).port or 80
    return Workspace("acme", port, 0, tenant["widget_key"], "", tenant["owner"])


@pytest.fixture(scope="module")
def shop(tenant: dict[str, Any], workspace: Workspace) -> Iterator[Shop]:
    """Serve a shop that may show acme's widget, and take the permission back."""
    token = workspace.agent_token()

    def allow(origins: list[str]) -> list[str]:
        changed = {"allowed_origins": origins} if origins else {}
        found = workspace.ask("PATCH", "/api/v1/widget", changed, bearer=token)
        return list(found["allowed_origins"])

    before = allow([])
    with shop_served() as shop:
        allow([*before, shop.address])
        shop.origin, shop.key = tenant["base_url"], tenant["widget_key"]
        yield shop
    allow(before)


@pytest.fixture
def visit(browser: Browser, shop: Shop) -> Iterator[Visit]:
    """Return a function that comes to the shop in a browser of its own."""
    contexts = []

    def come(early: str = "", *, script: str = "", **options: Any) -> tuple[Page, Seen]:
        context = browser.new_context(reduced_motion="reduce", locale="en-GB", **options)
        contexts.append(context)
        context.add_init_script(LISTEN + script)
        seen = Seen()
        seen.follow(context)
        page = context.new_page()
        page.goto(shop.address)
        if early:  # before there is any panel, as soon as there is something to call
            page.evaluate(f"""async () => {{
              while (!window.$frontdesk) await new Promise((go) => setTimeout(go, 5));
              {early}
            }}""")
        page.locator(f"{WIDGET} button").first.wait_for()
        return page, seen

    yield come
    for context in contexts:
        context.close()
