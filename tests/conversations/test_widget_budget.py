"""What a visitor's browser has to load, and that every word it shows has a translation."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from conversations.types import SystemKind
from conversations.widget_words import (
    FALLBACK,
    LAUNCHER,
    PAGE_ONLY,
    language_known,
    languages,
    launcher_words,
    words_in,
)

ROOT = Path(__file__).resolve().parents[2]
LOADER = ROOT / "static" / "widget" / "loader.js"
PANEL_PARTS = [
    *sorted((ROOT / "static" / "widget" / "panel").iterdir()),
    *sorted((ROOT / "static" / "widget" / "shared").iterdir()),
    ROOT / "templates" / "widget" / "panel.html",
]
WORDS = json.dumps(launcher_words()).encode()
WANTED = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "ja", "zh", "ar")
PLACE = re.compile(r"\{\w+\}")
IMPORT = re.compile(r'from "(\.[^"]+)"')


def test_loader_is_at_most_ten_kilobytes_compressed() -> None:
    """As it is served, with the words of every language in it."""
    assert len(gzip.compress(LOADER.read_bytes() + WORDS, 9)) <= 10 * 1024


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


def asked_words() -> set[str]:
    """Return the keys that the panel's scripts ask for, those made of a state's name spelt out."""
    scripts = [part for part in PANEL_PARTS if part.suffix == ".js"]
    said = {key for script in scripts for key in re.findall(r'\bt\("(\w+)"', script.read_text())}
    told = {f"said_{kind.value}" for kind in SystemKind}
    return said | told | {f"rate_{score}" for score in range(1, 6)} | {"line_down", "line_refused"}


def page_words() -> set[str]:
    page = (ROOT / "templates" / "widget" / "panel.html").read_text()
    return set(re.findall(r"words\.(\w+)", page))


def test_every_word_that_is_shown_has_a_text_and_every_text_is_shown() -> None:
    used = asked_words() | page_words() | set(LAUNCHER) | {"fault_email", "fault_invalid"}
    assert used | {"greeting"} == set(words_in(FALLBACK))


def test_words_only_of_the_page_are_not_asked_for_by_scripts() -> None:
    assert not asked_words() & PAGE_ONLY


@pytest.mark.parametrize("language", languages())
def test_every_language_has_every_word_with_its_values(language: str) -> None:
    words, english = words_in(language), words_in(FALLBACK)
    assert list(words) == list(english)
    assert all(text.strip() for text in words.values())
    for key, text in english.items():
        assert set(PLACE.findall(words[key])) == set(PLACE.findall(text)), key


def test_widget_speaks_twelve_languages() -> None:
    assert languages() == tuple(sorted(WANTED))


@pytest.mark.parametrize(
    ("code", "found"),
    [("pt-BR", "pt"), ("zh_Hant", "zh"), ("DE", "de"), ("xx", ""), ("", ""), ("../en", "")],
)
def test_language_is_found_by_its_code(code: str, found: str) -> None:
    assert language_known(code) == found


def test_loader_speaks_before_it_knows_the_workspace() -> None:
    words = words_in(FALLBACK)
    spoken = json.dumps([words[key] for key in ("open", "close", "unread")])[1:-1]
    assert spoken in LOADER.read_text()
