"""axe-core in a page: what it finds fault with, in light and dark, wide and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Frame, Page, ViewportSize

SCHEMES: Final = ("light", "dark")
SIZES: Final[dict[str, ViewportSize]] = {
    "wide": {"width": 1280, "height": 860},
    "phone": {"width": 390, "height": 844},
}
# Everything that is not an experiment; without a choice axe leaves out WCAG 2.2's target size.
TAGS: Final = (
    "wcag2a",
    "wcag2aa",
    "wcag21a",
    "wcag21aa",
    "wcag22aa",
    "best-practice",
)
# Frames are looked at one by one: from within they show their own faults, not their host's.
_RUN: Final = """
([scope, tags]) => axe.run(scope ?? document, {
  runOnly: { type: "tag", values: tags }, resultTypes: ["violations"], iframes: false,
}).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
  nodes.map(({ target, html, any, all, none }) =>
    `${id}: ${target.join(" ")}: ${html.slice(0, 160)}: ` +
    [...any, ...all, ...none].map(({ message }) => message).join("; "))))
"""
# A fade that is still going on has colours that nobody is meant to read; a frame hears of another
# scheme a moment after its page.
_STILL: Final = """
async () => {
  for (let count = 0; count < 2; count += 1) await new Promise((go) => requestAnimationFrame(go));
  await Promise.all(document.getAnimations()
    .filter((animation) => Number.isFinite(animation.effect?.getComputedTiming().endTime))
    .map((animation) => animation.finished.catch(() => null)));
}
"""
_TOO_WIDE: Final = """
() => document.documentElement.scrollWidth <= innerWidth ? [] : [
  `scrolls sideways: ${document.documentElement.scrollWidth} of ${innerWidth} pixels`,
  ...[...document.body.querySelectorAll("*")]
    .filter((node) => node.checkVisibility() && node.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, 5).map((node) => `  reaches out: ${node.outerHTML.slice(0, 120)}`),
]
"""
_DIALOGS: Final = (
    "() => [...document.querySelectorAll('dialog[id]:not([open])')].map(({ id }) => id)"
)


def settle(frame: Page | Frame) -> None:
    """Wait until nothing fades or moves any more."""
    frame.evaluate(_STILL)


def faults(frame: Page | Frame, scope: str | None = None) -> list[str]:
    """Return what axe finds fault with in a document, or within a selector: one line each."""
    if not frame.evaluate("() => Boolean(window.axe)"):
        frame.evaluate(AXE_SCRIPT)
    settle(frame)
    return cast("list[str]", frame.evaluate(_RUN, [scope, list(TAGS)]))


def looks(page: Page) -> Iterator[str]:
    """Show a page in each of its four looks, one after another; leave it wide and light."""
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=cast("Any", scheme), reduced_motion="reduce")
            yield f"{size}-{scheme}"
    page.set_viewport_size(SIZES["wide"])
    page.emulate_media(color_scheme="light")


def faults_in_every_look(page: Page, *, frames: str = "") -> list[str]:
    """Return the faults of a page, its dialogs and the frames whose address holds `frames`."""
    return [f"{look}: {fault}" for look in looks(page) for fault in _faults_now(page, frames)]


def _faults_now(page: Page, frames: str) -> Iterator[str]:
    inner = [frame for frame in page.frames if frames and frames in frame.url]
    for frame in (page.main_frame, *inner):
        yield from frame.evaluate(_TOO_WIDE)
        yield from faults(frame)
    for name in page.evaluate(_DIALOGS):
        page.evaluate("(id) => document.getElementById(id).showModal()", name)
        yield from faults(page, f"#{name}")
        page.evaluate("(id) => document.getElementById(id).close()", name)
