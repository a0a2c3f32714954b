"""Save pictures of the main pages to var/screenshots: light and dark, wide and phone.

    make up && .venv/bin/python -m tests.e2e.screenshots [name ...]

A script to look with, not a test.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SIZES = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
SCHEMES = ("light", "dark")
SETTLE_SECONDS = 0.7
STAFF_PAGES = {
    "home": "/",
    "inbox": "/inbox/",
    "knowledge": "/knowledge/",
    "workflows": "/workflows/",
    "routing": "/routing/",
    "orders": "/orders/",
    "analytics": "/analytics/",
    "billing": "/billing/usage/",
    "settings": "/settings/",
    "settings-workspace": "/settings/workspace/",
    "settings-history": "/settings/workspace/history/",
    "settings-features": "/settings/flags/",
    "team": "/settings/team/",
    "account": "/account/",
    "security": "/account/security/",
    "app": "/account/security/app/",
}
SIGN_IN_PAGES = {"login": "/login/", "forgotten": "/password/forgotten/"}
PLATFORM_PAGES = {"landing": "/", "signup": "/signup/", "platform-login": "/login/"}
QUESTIONS = (
    "How long do I have to return a jacket I already wore once?",
    "Who won the football world cup in 1994?",
)

Steps = Callable[[Page], None]


def picture(page: Page, name: str) -> None:
    """Save what the page shows; a busy machine sometimes needs a second try."""
    folder = ROOT / "var" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    time.sleep(SETTLE_SECONDS)
    for attempt in range(4):
        try:
            page.screenshot(path=folder / f"{name}.png")
            return
        except BrowserError:
            if attempt == 3:
                raise
            time.sleep(1)


def sign_in(page: Page, tenant: dict[str, Any], who: str = "owner") -> None:
    page.goto(f"{tenant['base_url']}/login/")
    page.fill("[name=email]", tenant[who]["email"])
    page.fill("[name=password]", tenant[who]["password"])
    page.keyboard.press("Enter")
    page.wait_for_url(f"{tenant['base_url']}/")


def staff_pages(context: BrowserContext, tenant: dict[str, Any], label: str) -> None:
    page = context.new_page()
    sign_in(page, tenant)
    for name, path in STAFF_PAGES.items():
        response = page.goto(f"{tenant['base_url']}{path}")
        if response is None or not response.ok:
            print(f"{name}: {response.status if response else 'no answer'}")
            continue
        picture(page, f"{name}-{label}")
    row = page.goto(f"{tenant['base_url']}/inbox/?view=all") and page.locator("a.inbox-row").first
    if row and row.count():
        row.click()
        page.locator("#inbox-composer").wait_for()
        picture(page, f"conversation-{label}")


def widget(context: BrowserContext, tenant: dict[str, Any], label: str) -> None:
    page = context.new_page()
    page.goto(tenant["demo_url"])
    picture(page, f"demo-{label}")
    page.get_by_role("button", name="Open chat").click()
    panel = page.frame_locator("#frontdesk-widget iframe")
    panel.locator("textarea").wait_for()
    picture(page, f"widget-welcome-{label}")
    for count, question in enumerate(QUESTIONS, start=1):
        panel.locator("textarea").fill(question)
        panel.locator("textarea").press("Enter")
        panel.locator(".message[data-author=ai][data-seq]").nth(count - 1).wait_for(timeout=10_000)
    picture(page, f"widget-answer-{label}")
    panel.locator("#person").click()
    panel.locator(".banner[data-kind=queued]").wait_for()
    picture(page, f"widget-queued-{label}")


def sign_in_pages(context: BrowserContext, tenant: dict[str, Any], label: str) -> None:
    page = context.new_page()
    for name, path in SIGN_IN_PAGES.items():
        page.goto(f"{tenant['base_url']}{path}")
        picture(page, f"{name}-{label}")


def platform_pages(context: BrowserContext, base_url: str, label: str) -> None:
    page = context.new_page()
    for name, path in PLATFORM_PAGES.items():
        page.goto(f"{base_url}{path}")
        picture(page, f"{name}-{label}")


def series(browser: Browser, demo: dict[str, Any], wanted: set[str]) -> None:
    tenant = demo["tenants"]["acme"]
    parts: dict[str, Callable[[BrowserContext, str], None]] = {
        "platform": lambda context, label: platform_pages(
            context, demo["platform"]["base_url"], label
        ),
        "sign-in": lambda context, label: sign_in_pages(context, tenant, label),
        "widget": lambda context, label: widget(context, tenant, label),
        "staff": lambda context, label: staff_pages(context, tenant, label),
    }
    for size, viewport in SIZES.items():
        for scheme in SCHEMES:
            for name, part in parts.items():
                if wanted and name not in wanted:
                    continue
                context = browser.new_context(viewport=viewport, color_scheme=scheme)  # type: ignore[arg-type]  # playwright wants literals
                try:
                    part(context, f"{size}-{scheme}")
                except BrowserError as error:
                    print(f"{name} {size} {scheme}: {error.message.splitlines()[0]}")
                context.close()


def main() -> None:
    demo = json.loads((ROOT / "var" / "demo.json").read_text())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        series(browser, demo, set(sys.argv[1:]))
        browser.close()


if __name__ == "__main__":
    main()
