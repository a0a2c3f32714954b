"""Two-step sign-in in a browser: an invited person, their app, a passkey, the way back in."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.e2e.axe import faults_in_every_look
from tests.e2e.running import ROOT
from tests.tenants.accounts.totp import code_of

PASSWORD = "a canoe of birch bark"
Tenant = dict[str, Any]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-GB")
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def passkeys_on(page: Page) -> CDPSession:
    """Plug an authenticator into the page that knows its owner's finger."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devtools


def link_mailed_to(address: str) -> str:
    """Return the link in the newest mail to an address; `make up` writes mails to files."""
    found = [
        path for path in Path(ROOT / "var" / "mail").glob("*.log") if address in path.read_text()
    ]
    newest = max(found, key=lambda path: path.stat().st_mtime)
    message = message_from_bytes(newest.read_bytes())
    text = message.get_payload()[0].get_payload(decode=True).decode()  # type: ignore[union-attr,index]  # typed for no multipart
    return str(re.findall(r"https?://\S+", text)[0])


def signed_in(page: Page, tenant: Tenant, email: str, password: str) -> None:
    page.goto(f"{tenant['base_url']}/login/")
    page.fill("[name=email]", email)
    page.fill("[name=password]", password)
    page.keyboard.press("Enter")


def invited(page: Page, tenant: Tenant, email: str) -> None:
    signed_in(page, tenant, tenant["owner"]["email"], tenant["owner"]["password"])
    page.wait_for_url(f"{tenant['base_url']}/")
    page.goto(f"{tenant['base_url']}/settings/team/")
    page.get_by_role("button", name="Invite someone").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("E-mail").fill(email)
    dialog.get_by_role("button", name="Send invitation").click()
    expect(page.get_by_text(f"We have sent the invitation to {email}.")).to_be_visible()
    page.context.clear_cookies()


def test_invited_person_sets_up_two_steps_and_a_passkey(page: Page, stack: dict[str, Any]) -> None:
    tenant = stack["tenants"]["acme"]
    email = f"new-{secrets.token_hex(4)}@acme.example"
    invited(page, tenant, email)
    page.wait_for_timeout(2000)  # a worker writes the mail
    page.goto(link_mailed_to(email))
    page.get_by_label("Your name").fill("Nia New")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Join the team").click()
    page.wait_for_url(f"{tenant['base_url']}/")

    page.goto(f"{tenant['base_url']}/account/security/app/")
    secret = page.locator("#app-secret").inner_text().strip()
    page.get_by_label("Code that the app shows").fill(code_of(secret, -1))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Turn two-step sign-in on").click()
    expect(page.get_by_role("heading", name="Keep your recovery codes")).to_be_visible()
    assert faults_in_every_look(page) == []

    passkeys_on(page)
    page.goto(f"{tenant['base_url']}/account/security/passkeys/")
    assert faults_in_every_look(page) == []
    page.get_by_label("Name").fill("Laptop")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("cell", name="Laptop")).to_be_visible()

    page.context.clear_cookies()
    page.goto(f"{tenant['base_url']}/login/?next=/inbox/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{tenant['base_url']}/inbox/")

    page.context.clear_cookies()
    signed_in(page, tenant, email, PASSWORD)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{tenant['base_url']}/")

    page.context.clear_cookies()
    signed_in(page, tenant, email, PASSWORD)
    expect(page.get_by_label("Code")).to_be_visible()
    assert faults_in_every_look(page) == []
    page.get_by_label("Code").fill(code_of(secret))
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{tenant['base_url']}/")
