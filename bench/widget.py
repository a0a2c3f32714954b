"""What the widget costs a visitor's browser, whom it calls, and whether everybody can use it.

A stack of its own; a shop's page on another origin, under a policy that allows the workspace's
script and frame and nothing else; Debian's Chromium. Sizes are the bodies of everything the closed
launcher and the opened panel load, each compressed by gzip -9. Time to interactive is from the
click on the launcher to a panel whose session stands and whose field takes text, the median of
several first visits. In every state axe-core looks at the panel and the launcher, in light and
dark, wide and phone. `ARGS=FOLDER` saves a picture of each. The last line is one JSON object; exits
0 only if every target is met.
"""

from __future__ import annotations

import gzip
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from bench.support.stack import RunningStack, stack_up
from bench.support.visits import Workspace
from bench.support.widget_page import (
    CHROMIUM,
    FLAGS,
    WIDGET,
    Seen,
    Shop,
    panel_frame,
    panel_open,
    shop_served,
    violations,
)
from bench.support.widget_states import FORM, FORM_STEPS, STEPS, Visit

SLUG: Final = "acme"
VISITS: Final = 7
SIZES: Final = {"wide": {"width": 1280, "height": 860}, "phone": {"width": 390, "height": 844}}
SCHEMES: Final = ("light", "dark")
LOADER_BYTES, PANEL_BYTES, INTERACTIVE_MS = 10 * 1024, 60 * 1024, 1_500
Step = Callable[[Visit], None]
PREPARE: Final = """
import json, sys
from conversations.services import widget_ensure, widget_update
from core import directory, tenancy
slug, origin, form = json.loads(sys.stdin.read())
with tenancy.platform_scope():
    tenant = directory.tenant_by_host(f"{slug}.localhost")
with tenancy.tenant_scope(tenant):
    widget = widget_ensure()
    origins = [*widget.allowed_origins, origin]
    widget_update(widget_id=widget.pk, allowed_origins=origins, form=form)
print(json.dumps(widget.key))
"""


@dataclass
class Scene:
    """The stack, the shop's page and the browser, and what was found so far."""

    stack: RunningStack
    shop: Shop
    browser: Browser
    pictures: Path | None
    faults: dict[str, list[str]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    @property
    def workspace(self) -> Workspace:
        return Workspace.of_demo(self.stack, SLUG)

    def prepare(self, form: list[dict[str, Any]]) -> str:
        """Let the widget stand on the shop's page and ask this form; return its key."""
        return str(self.stack.shell(PREPARE, [SLUG, self.shop.address, form]))

    @property
    def own(self) -> tuple[str, ...]:
        """Return the hosts that are ours: the shop's, the workspace's, its sockets'."""
        realtime = f"{SLUG}.localhost:{self.stack.ports['REALTIME_PORT']}"
        return (urlsplit(self.shop.address).netloc, urlsplit(self.shop.origin).netloc, realtime)

    @contextmanager
    def visit(self, **options: Any) -> Iterator[tuple[Page, Seen]]:
        """Come to the shop's page for the first time, and go again."""
        context = self.browser.new_context(**options)
        context.set_default_timeout(30_000)
        seen = Seen()
        seen.follow(context)
        page = context.new_page()
        page.goto(self.shop.address)
        page.locator(f"{WIDGET} button").first.wait_for()
        yield page, seen
        self.complaints += seen.complaints
        self.foreign += seen.foreign(*self.own)
        context.close()


def sizes_measure(scene: Scene) -> dict[str, Any]:
    """Return what a first visit with an opened panel loads."""
    with scene.visit() as (page, seen):
        panel_open(page)
        page.wait_for_load_state("networkidle")
        bodies = {
            response.url: len(gzip.compress(response.body(), 9))
            for response in seen.responses
            if urlsplit(response.url).netloc == urlsplit(scene.shop.origin).netloc
        }
        asked = Counter(request.resource_type for request in seen.requests)
    loader = bodies.pop(f"{scene.shop.origin}/widget.js")
    for url, size in sorted(bodies.items(), key=lambda item: -item[1]):
        print(f"{size:7,} {urlsplit(url).path}")
    return {
        "loader_gzip_bytes": loader,
        "panel_gzip_bytes": sum(bodies.values()),
        "requests": len(bodies) + 1,
        "requests_by_type": dict(asked),
    }


def interactive_measure(scene: Scene) -> dict[str, int]:
    """Return how long a first visitor waits between the click and a panel that takes text."""
    waited = []
    for _ in range(VISITS):
        with scene.visit() as (page, _):
            began = time.perf_counter()
            panel_open(page)
            waited.append((time.perf_counter() - began) * 1000)
    return {
        "time_to_interactive_ms": round(statistics.median(waited)),
        "time_to_interactive_worst_ms": round(max(waited)),
    }


def states_walk(scene: Scene) -> int:
    """Look at every state in every scheme and size; return how many were looked at.

    Once as it comes, once with the form, and once in a language from right to left.
    """
    looked = _walk(scene, "open", STEPS)
    scene.prepare(FORM)
    looked += _walk(scene, "form", FORM_STEPS)
    scene.shop.more = ' data-locale="ar"'
    looked += _walk(scene, "form-arabic", {})
    scene.shop.more = ""
    scene.prepare([])
    return looked


def _walk(scene: Scene, opened: str, steps: Mapping[str, Step]) -> int:
    looked = 0
    for size, viewport in SIZES.items():
        for scheme in SCHEMES:
            options = {"viewport": viewport, "color_scheme": scheme, "reduced_motion": "reduce"}
            with scene.visit(**options) as (page, seen):
                for state in _states(scene, page, seen, opened, steps):
                    _look(scene, page, f"{state}-{size}-{scheme}")
                    looked += 1
    return looked


def _states(
    scene: Scene, page: Page, seen: Seen, opened: str, steps: Mapping[str, Step]
) -> Iterator[str]:
    yield f"closed-before-{opened}"
    visit = Visit(page, panel_open(page), seen, scene.workspace)
    yield opened
    for name, step in steps.items():
        step(visit)
        yield name


def _look(scene: Scene, page: Page, name: str) -> None:
    page.wait_for_timeout(400)  # the last movement
    found = violations(page, WIDGET)
    if not name.startswith("closed"):
        found += violations(panel_frame(page))
    for fault in found:
        print(f"{name}: {fault}")
    scene.faults[name] = found
    if scene.pictures:
        page.screenshot(path=scene.pictures / f"{name}.png")


def verdict(figures: dict[str, Any]) -> dict[str, bool]:
    """Return which targets are met."""
    return {
        "loader": figures["loader_gzip_bytes"] <= LOADER_BYTES,
        "panel": figures["panel_gzip_bytes"] <= PANEL_BYTES,
        "third_party": figures["third_party"] == 0,
        "complaints": figures["complaints"] == 0,
        "axe": figures["axe_violations"] == 0,
        "interactive": figures["time_to_interactive_ms"] <= INTERACTIVE_MS,
    }


def measure(scene: Scene) -> dict[str, Any]:
    figures = {**sizes_measure(scene), **interactive_measure(scene)}
    figures["states"] = states_walk(scene)
    for complaint in sorted(set(scene.complaints)):
        print(f"complaint: {complaint}")
    return {
        **figures,
        "third_party": len(scene.foreign),
        "complaints": len(scene.complaints),
        "axe_violations": sum(map(len, scene.faults.values())),
    }


def main() -> int:
    pictures = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
    with stack_up("widget", {}) as stack, shop_served() as shop, sync_playwright() as playwright:
        shop.origin = f"http://{SLUG}.localhost:{stack.ports['WEB_PORT']}"
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        scene = Scene(stack, shop, browser, pictures)
        shop.key = scene.prepare([])
        figures = measure(scene)
        browser.close()
    met = verdict(figures)
    print(json.dumps({"bench": "widget", **figures, "met": met}))
    return 0 if all(met.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
