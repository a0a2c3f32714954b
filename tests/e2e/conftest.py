"""Fixtures of the browser tests: Debian's Chromium, a served checkout, the running stack."""

from __future__ import annotations

import functools
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e import running
from tests.e2e.running import ROOT

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
