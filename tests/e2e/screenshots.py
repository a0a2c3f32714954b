"""Take pictures of every page of `pages.py` and of the chat: light and dark, wide and phone.

    make up && .venv/bin/python -m tests.e2e.screenshots [--into FOLDER] [--look LOOK] [name ...]

A script to look with, not a test. The pictures are WebP, in var/screenshots unless told otherwise.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright
from playwright.sync_api import Page as BrowserPage

from tests.e2e import running
from tests.e2e.axe import SIZES, looks, settle
from tests.e2e.conftest import CHROMIUM, FLAGS
from tests.e2e.pages import PLATFORM, WORKSPACE, Page, Who
from tests.e2e.people import ask, sign_in_as

CHAT = "chat"
QUALITY = 82
WHO: tuple[Who, ...] = ("owner", "agent", "admin", "stranger")


@dataclass(frozen=True)
class Camera:
    """Where the pictures go, and which are wanted: no names mean all."""

    folder: Path
    looks: frozenset[str]
    names: frozenset[str]

    def wants(self, name: str) -> bool:
        return not self.names or name in self.names

    def take(self, page: BrowserPage, name: str) -> None:
        """Take a picture of a page in every wanted look."""
        for look in looks(page):
            if self.looks and look not in self.looks:
                continue
            for frame in page.frames:
                settle(frame)
            picture = Image.open(io.BytesIO(page.screenshot()))
            picture.save(self.folder / f"{name}-{look}.webp", quality=QUALITY, method=6)


@contextmanager
def opened(browser: Browser) -> Iterator[BrowserPage]:
    context = browser.new_context(viewport=SIZES["wide"], locale="en-GB", reduced_motion="reduce")
    yield context.new_page()
    context.close()


def chat(browser: Browser, camera: Camera, demo: dict[str, Any]) -> None:
    """Show the chat while the AI answers and while its visitor waits."""
    with opened(browser) as page:
        panel = ask(page, demo["tenants"]["acme"])
        if not camera.wants(CHAT):
            return
        camera.take(page, CHAT)
        panel.locator("#person").click()
        expect(panel.locator(".banner[data-kind=queued]")).to_be_visible()
        camera.take(page, f"{CHAT}-queued")


def pages(browser: Browser, camera: Camera, demo: dict[str, Any]) -> None:
    """Show every page to whoever it is for."""
    tenant = demo["tenants"]["acme"]
    things = running.objects(tenant)
    hosts: list[tuple[str, tuple[Page, ...]]] = [
        (tenant["base_url"], WORKSPACE),
        (demo["platform"]["base_url"], PLATFORM),
    ]
    for who in WHO:
        with opened(browser) as page:
            sign_in_as(page, who, demo)
            for base_url, listed in hosts:
                for one in listed:
                    if one.who == who and camera.wants(one.name):
                        page.goto(f"{base_url}{one.path(things)}")
                        page.locator(one.holds).first.wait_for()
                        camera.take(page, one.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--into", type=Path, default=running.ROOT / "var" / "screenshots")
    parser.add_argument("--look", action="append", default=[])
    asked = parser.parse_args()
    asked.into.mkdir(parents=True, exist_ok=True)
    camera = Camera(asked.into, frozenset(asked.look), frozenset(asked.names))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        chat(browser, camera, running.demo())
        pages(browser, camera, running.demo())
        browser.close()


if __name__ == "__main__":
    main()
