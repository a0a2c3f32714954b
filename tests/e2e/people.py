"""What people do in a browser that several tests begin with: sign in, ask the chat."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import FrameLocator, Page

from tests.e2e.pages import Who

Tenant = dict[str, Any]
QUESTION = "How long do I have to return a jacket I already wore once?"
AI_MESSAGE = ".message[data-author=ai][data-seq]"


def sign_in(page: Page, tenant: Tenant, who: str) -> None:
    """Sign a member of a workspace in; they stand on its first page."""
    page.goto(f"{tenant['base_url']}/login/")
    page.fill("[name=email]", tenant[who]["email"])
    page.fill("[name=password]", tenant[who]["password"])
    page.keyboard.press("Enter")
    page.wait_for_url(f"{tenant['base_url']}/")


def sign_in_as(page: Page, who: Who, stack: dict[str, Any]) -> None:
    """Sign in whoever looks at a page of the list, where that is anybody."""
    platform = stack["platform"]
    if who == "admin":
        page.goto(platform["admin_url"])
        page.fill("[name=username]", platform["admin_email"])
        page.fill("[name=password]", platform["admin_password"])
        page.keyboard.press("Enter")
        page.wait_for_url(platform["admin_url"])
    elif who != "stranger":
        sign_in(page, stack["tenants"]["acme"], who)


def visit(page: Page, tenant: Tenant) -> FrameLocator:
    """Open the chat on the workspace's shop; return the panel."""
    page.goto(tenant["demo_url"])
    page.get_by_role("button", name="Open chat").click()
    panel = page.frame_locator("#frontdesk-widget iframe")
    panel.locator("#log[aria-busy=false]").wait_for()
    return panel


def ask(page: Page, tenant: Tenant) -> FrameLocator:
    """Visit the shop as somebody new, ask and read the answer."""
    panel = visit(page, tenant)
    panel.get_by_label("Your message").fill(QUESTION)
    panel.get_by_role("button", name="Send").click()
    panel.locator(AI_MESSAGE).wait_for()
    return panel
