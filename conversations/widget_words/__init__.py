"""The widget's own words in the languages it speaks, one file each.

They are kept apart from the back-office's translations: a shop's visitors speak more languages than
its team, and a panel gets the words of one language as JSON. `{name}` stands for a value that the
script fills in; the words are chosen so that no text needs a plural.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

FALLBACK = "en"
RIGHT_TO_LEFT = frozenset({"ar"})
# What the launcher needs before the panel is there; everything else comes with the panel.
LAUNCHER = ("open", "close", "unread", "title")
# Words that only the server puts into the panel's page, or only the launcher says.
PAGE_ONLY = frozenset(
    {
        *("open", "close", "unread", "title", "conversation", "greeting", "promise", "suggested"),
        *("new_messages", "your_message", "ask", "send", "powered", "needs_js", "sound"),
        *("files_to_send", "attach_files"),
    }
)
_FOLDER = Path(__file__).parent


@cache
def languages() -> tuple[str, ...]:
    """Return the codes of the languages there are words in."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.json")))


@cache
def words_in(language: str) -> dict[str, str]:
    """Return all words in one of the languages; raises FileNotFoundError for any other."""
    words: dict[str, str] = json.loads((_FOLDER / f"{language}.json").read_text("utf-8"))
    return words


@cache
def launcher_words() -> dict[str, list[str]]:
    """Return {language: its words for LAUNCHER, in that order}."""
    return {code: [words_in(code)[key] for key in LAUNCHER] for code in languages()}


def language_known(code: str) -> str:
    """Return the language a code asks for (`pt-BR` asks for `pt`), "" for one we do not speak."""
    main = code.strip().lower().replace("_", "-").partition("-")[0]
    return main if main in languages() else ""


def language_of(request: HttpRequest) -> str:
    """Return the language that `?locale=` names, else the first the browser asks for."""
    asked = parse_accept_lang_header(request.headers.get("Accept-Language", "").lower())
    wanted = [request.GET.get("locale", "")[:35], *(code for code, _ in asked)]
    return next((found for code in wanted if (found := language_known(code))), FALLBACK)
