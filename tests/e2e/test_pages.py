"""Every page in light and dark, wide and on a phone: nothing in anybody's way, nothing too wide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, expect
from playwright.sync_api import Page as BrowserPage

from tests.e2e import running
from tests.e2e.axe import SIZES, faults_in_every_look
from tests.e2e.pages import ERROR_TEMPLATES, PLATFORM, WORKSPACE, Page, Who
from tests.e2e.people import ask, sign_in_as

Opened = Callable[[Who], BrowserPage]
PANEL = "/widget/panel/"
FAULTY = """<!doctype html><html lang="en"><head><title>Faulty</title></head><body>
  <h1>Faulty</h1><p style="color: #ccc; background: #fff; width: 700px">Hardly to be read</p>
  <button style="width: 8px; height: 8px; padding: 0"></button
  ><button style="width: 8px; height: 8px; padding: 0"></button>
  <dialog id="asked"><p style="color: #ccc; background: #fff">Hardly</p></dialog>
</body></html>"""


@pytest.fixture(scope="module")
def acme(stack: dict[str, Any]) -> dict[str, Any]:
    tenant: dict[str, Any] = stack["tenants"]["acme"]
    return tenant


@pytest.fixture(scope="module")
def opened(browser: Browser, stack: dict[str, Any]) -> Iterator[Opened]:
    """Give a function that returns the page of somebody, who has signed in once."""
    kept: dict[Who, BrowserPage] = {}

    def page(who: Who) -> BrowserPage:
        if who not in kept:
            context = browser.new_context(viewport=SIZES["wide"], locale="en-GB")
            context.set_default_timeout(20_000)
            kept[who] = context.new_page()
            sign_in_as(kept[who], who, stack)
        return kept[who]

    yield page
    for one in kept.values():
        one.context.close()


@pytest.fixture(scope="module")
def objects(browser: Browser, acme: dict[str, Any]) -> dict[str, str]:
    """Return one object of each kind; a visitor's question makes those of a conversation."""
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(20_000)
    ask(context.new_page(), acme)
    context.close()
    return running.objects(acme)


def test_what_is_in_somebodys_way_is_found(page: BrowserPage, checkout: str) -> None:
    """Else all that follows would mean nothing."""
    page.goto(f"{checkout}/tests/e2e/blank.html")
    page.set_content(FAULTY)
    told = "\n".join(faults_in_every_look(page))
    for look in ("wide-light", "wide-dark", "phone-light", "phone-dark"):
        for rule in ("color-contrast", "button-name", "target-size", "landmark-one-main"):
            assert f"{look}: {rule}: " in told
    assert "phone-light: scrolls sideways: " in told
    assert "phone-light: color-contrast: #asked" in told


@pytest.mark.parametrize("page", WORKSPACE, ids=lambda page: page.name)
def test_page_of_a_workspace(
    page: Page, opened: Opened, acme: dict[str, Any], objects: dict[str, str]
) -> None:
    _look(opened(page.who), f"{acme['base_url']}{page.path(objects)}", page.holds)


@pytest.mark.parametrize("page", PLATFORM, ids=lambda page: page.name)
def test_page_of_the_platform(page: Page, opened: Opened, stack: dict[str, Any]) -> None:
    _look(opened(page.who), f"{stack['platform']['base_url']}{page.path({})}", page.holds)


@pytest.mark.parametrize("template", ERROR_TEMPLATES)
def test_error_page(template: str, opened: Opened, acme: dict[str, Any]) -> None:
    """What the template makes is served by the browser itself: some faults cannot be asked for."""
    page, address = opened("stranger"), f"{acme['base_url']}/e2e/{template}/"
    told = {"title": "This cannot be done", "detail": "Somebody was quicker.", "status": 409}
    body = render_to_string(template + ".html", told)
    page.route(address, lambda route: route.fulfill(body=body, content_type="text/html"))
    _look(page, address, ".error-code")


def test_chat_on_a_shops_page(page: BrowserPage, acme: dict[str, Any]) -> None:
    panel = ask(page, acme)
    _assert_none(faults_in_every_look(page, frames=PANEL))
    panel.locator("#person").click()
    expect(panel.locator(".banner[data-kind=queued]")).to_be_visible()
    _assert_none(faults_in_every_look(page, frames=PANEL))


def test_menus_and_the_drawer(opened: Opened, acme: dict[str, Any]) -> None:
    page = opened("owner")
    page.goto(acme["base_url"])
    page.locator("details.menu summary").first.click()
    _assert_none(faults_in_every_look(page))
    page.set_viewport_size(SIZES["phone"])
    page.get_by_role("button", name="Menu", exact=True).click()
    expect(page.locator("[data-drawer-toggle]")).to_have_attribute("aria-expanded", "true")


def _look(page: BrowserPage, address: str, holds: str) -> None:
    page.goto(address)
    expect(page.locator(holds).first).to_be_visible()
    _assert_none(faults_in_every_look(page))


def _assert_none(faults: list[str]) -> None:
    assert not faults, "\n".join(["", *faults])
