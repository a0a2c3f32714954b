"""Files in a browser: a visitor sends a picture, the agent sees it and sends a PDF back."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, FrameLocator, Page, expect

from tests.conversations.files import PDF
from tests.e2e.test_inbox import acme, conversation_id, new_page, sign_in, visit

__all__ = ["acme", "new_page"]  # fixtures

# Kept where they can be looked at, if somebody asks for it.
SHOTS = os.environ.get("SCREENSHOTS", "")
# What a picture is drawn from, so that it can be told from a broken one.
DRAWING = """
() => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [640, 400];
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#2a7f62";
  pen.fillRect(0, 0, 640, 400);
  pen.fillStyle = "#f4c95d";
  pen.fillRect(220, 120, 200, 160);
  return canvas.toDataURL("image/png").split(",")[1];
}
"""
PASTE = """
(field, bytes) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(bytes)], "pasted.png", { type: "image/png" }));
  const how = { clipboardData: data, bubbles: true, cancelable: true };
  field.dispatchEvent(new ClipboardEvent("paste", how));
}
"""
DROP = """
(body) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File(["a,b\\n1,2\\n"], "orders.csv", { type: "text/csv" }));
  for (const name of ["dragenter", "dragover", "drop"])
    body.dispatchEvent(new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true }));
}
"""


def shot(page: Page, name: str) -> None:
    """Keep the page as it looks in light and dark."""
    if not SHOTS:
        return
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(300)
        page.screenshot(path=Path(SHOTS) / f"{name}-{scheme}.png")
    page.emulate_media(color_scheme="light")


def choose(scope: Any, name: str, content: bytes, kind: str) -> None:
    file: FilePayload = {"name": name, "mimeType": kind, "buffer": content}
    scope.locator("input[type=file]").set_input_files(file)


def loaded(picture: Any) -> None:
    expect(picture).to_be_visible()
    # Without an address yet it is complete, too; what counts is that it was read.
    expect(picture).to_have_js_property("naturalWidth", 640)


@pytest.mark.parametrize("width", [1440, 390])
def test_picture_goes_to_the_agent_and_a_pdf_comes_back(
    acme: Any, new_page: Callable[..., Page], width: int
) -> None:
    visitor = new_page(viewport={"width": width, "height": 860})
    panel = visit(visitor, acme)
    drawing = base64.b64decode(visitor.evaluate(DRAWING))
    choose(panel, "tent.png", drawing, "image/png")
    expect(panel.locator(".upload[data-state=ready]")).to_have_count(1)
    panel.get_by_label("Your message").fill("The seam of my tent is torn, look:")
    shot(visitor, f"widget-tray-{width}")
    panel.get_by_role("button", name="Send").click()
    own = panel.locator(".message[data-author=visitor][data-state=sent] .picture img")
    loaded(own)
    panel.get_by_role("button", name="Talk to a person").click()
    expect(panel.get_by_role("button", name="Waiting for a person")).to_be_visible()

    agent = sign_in(new_page(viewport={"width": width, "height": 860}), acme, "agent")
    agent.goto(f"{acme['base_url']}/inbox/{conversation_id(visitor)}/")
    loaded(agent.locator(".inbox-message[data-author=visitor] .inbox-picture img"))
    agent.get_by_role("button", name="Claim").click()
    composer = agent.locator("#inbox-composer")
    expect(composer.get_by_role("button", name="Attach")).to_be_visible()
    choose(composer, "returns.pdf", PDF, "application/pdf")
    expect(composer.locator(".upload[data-state=ready]")).to_have_count(1)
    shot(agent, f"inbox-tray-{width}")
    composer.get_by_role("button", name="Send").click()
    expect(agent.locator(".inbox-file", has_text="returns.pdf")).to_be_visible()
    shot(agent, f"inbox-{width}")

    chip = panel.get_by_role("button", name="Download returns.pdf")
    expect(chip).to_be_visible()
    shot(visitor, f"widget-{width}")
    with visitor.expect_download() as download:
        chip.click()
    assert download.value.suggested_filename == "returns.pdf"
    assert Path(download.value.path()).read_bytes() == PDF
    visitor.reload()
    if width < 600:  # a wide page opens the panel again by itself
        visitor.get_by_role("button", name="Open chat").click()
    loaded(visitor.frame_locator("#frontdesk-widget iframe").locator(".picture img"))


def test_files_come_in_by_paste_and_drop_and_leave_by_keyboard(
    acme: Any, new_page: Callable[..., Page]
) -> None:
    page = new_page()
    panel = visit(page, acme)
    drawing = base64.b64decode(page.evaluate(DRAWING))
    panel.get_by_label("Your message").evaluate(PASTE, list(drawing))
    panel.locator("body").evaluate(DROP)
    expect(panel.locator(".upload[data-state=ready]")).to_have_count(2)
    panel.get_by_role("button", name="Remove pasted.png").press("Enter")
    expect(panel.get_by_role("button", name="Remove orders.csv")).to_be_focused()
    panel.get_by_role("button", name="Remove orders.csv").press("Enter")
    expect(panel.locator("#uploads")).to_be_hidden()
    expect(panel.get_by_label("Your message")).to_be_focused()


def test_what_is_wrong_with_a_file_is_said_in_words(
    acme: Any, new_page: Callable[..., Page]
) -> None:
    panel: FrameLocator = visit(new_page(), acme)
    choose(panel, "run.exe", b"MZ", "application/octet-stream")
    expect(panel.locator("#toasts")).to_contain_text("run.exe: send pictures")
    choose(panel, "tent.png", PDF, "image/png")
    failed = panel.locator(".upload[data-state=failed]")
    expect(failed).to_contain_text("The file is not what its name says.")


def test_upload_goes_on_when_the_line_is_back(acme: Any, new_page: Callable[..., Page]) -> None:
    page = new_page()
    panel = visit(page, acme)
    page.route("**/attachments", lambda route: route.abort())
    choose(panel, "notes.txt", b"Hello", "text/plain")
    expect(panel.locator(".upload[data-state=waiting]")).to_contain_text("Trying again")
    page.unroute("**/attachments")
    panel.get_by_role("button", name="Try notes.txt again").click()
    expect(panel.locator(".upload[data-state=ready]")).to_have_count(1)
    panel.get_by_role("button", name="Send").click()
    expect(panel.get_by_role("button", name="Download notes.txt")).to_be_visible()
