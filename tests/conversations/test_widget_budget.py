"""What a visitor's browser has to load, and that every word it shows has a translation."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from conversations.widget_words import LAUNCHER, PANEL

ROOT = Path(__file__).resolve().parents[2]
LOADER = ROOT / "static" / "widget" / "loader.js"
PANEL_PARTS = [
    *sorted((ROOT / "static" / "widget" / "panel").iterdir()),
    *sorted((ROOT / "static" / "widget" / "shared").iterdir()),
    ROOT / "templates" / "widget" / "panel.html",
]
IMPORT = re.compile(r'from "(\.[^"]+)"')


def test_loader_is_at_most_ten_kilobytes() -> None:
    assert LOADER.stat().st_size <= 10 * 1024


def test_panel_with_all_its_modules_is_at_most_sixty_kilobytes_compressed() -> None:
    total = sum(len(gzip.compress(part.read_bytes(), 9)) for part in PANEL_PARTS)
    assert total <= 60 * 1024


def test_panel_loads_nothing_outside_what_the_budget_counts() -> None:
    counted = {part.resolve() for part in PANEL_PARTS}
    for script in (part for part in counted if part.suffix == ".js"):
        for name in IMPORT.findall(script.read_text()):
            assert (script.parent / name).resolve() in counted


@pytest.mark.parametrize("part", [LOADER, *PANEL_PARTS], ids=lambda part: part.name)
def test_widget_makes_no_markup_from_data_and_calls_no_third_party(part: Path) -> None:
    text = part.read_text()
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert f"{forbidden}" not in text.replace("`innerHTML`", "")
    hosts = set(re.findall(r"https?://([\w.-]+)", text)) - {"www.w3.org", "acme.example"}
    assert not hosts


def test_every_word_the_panel_asks_for_has_a_text() -> None:
    scripts = [part for part in PANEL_PARTS if part.suffix == ".js"]
    asked = {key for script in scripts for key in re.findall(r'\bt\("(\w+)"', script.read_text())}
    known = {key.partition(".")[0] for key in PANEL}
    assert asked <= known
    assert known <= asked | {"line_down", "line_refused"}


def test_every_plural_has_its_general_form() -> None:
    plurals = {key.partition(".")[0] for key in PANEL if "." in key}
    assert plurals
    assert all(f"{key}.other" in PANEL for key in plurals)


def test_launcher_words_are_what_the_loader_falls_back_to() -> None:
    defaults = LOADER.read_text()
    assert all(f"{key}: " in defaults for key in LAUNCHER)
