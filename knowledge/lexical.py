"""Prepare text for Postgres full-text search, also where words are not set apart by spaces."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

# Scripts written without spaces: kana, Han, Hangul is spaced; Thai, Lao, Khmer, Burmese.
_UNSPACED: Final = re.compile(
    "[\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e01-\u0e7f\u0e81-\u0edf\u1000-\u109f\u1780-\u17ff]+"
)
# Languages whose words Postgres reduces to stems; all others are matched as written.
STEMMED: Final = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "fi": "finnish", "fr": "french", "hu": "hungarian", "it": "italian", "nl": "dutch",
    "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish",
    "tr": "turkish",
}  # fmt: skip
UNSTEMMED: Final = "simple"
_LANGUAGES: Final = tuple(
    sorted({*STEMMED, "zh", "ja", "ko", "th", "hi", "vi", "pl", "cs", "uk", "he"})
)
# Fewer letters than this say nothing certain about a language.
_CERTAIN_FROM: Final = 40
_SAMPLE: Final = 4000


def searchable(text: str) -> str:
    """Return the text with runs of unspaced script cut into overlapping pairs of characters."""
    return _UNSPACED.sub(_pairs, text)


def _pairs(match: re.Match[str]) -> str:
    run = match.group()
    if len(run) == 1:
        return f" {run} "
    return f" {' '.join(run[index : index + 2] for index in range(len(run) - 1))} "


def search_config(language: str) -> str:
    """Return the Postgres text search configuration for a language code."""
    return STEMMED.get(language, UNSTEMMED)


def language_detect(text: str) -> str:
    """Return the ISO 639-1 code of the text's language; English when that cannot be told."""
    sample = text[:_SAMPLE]
    if sum(map(str.isalpha, sample)) < _CERTAIN_FROM:
        return "zh" if _UNSPACED.search(sample) else "en"
    return str(_identifier().classify(sample)[0])


@cache
def _identifier() -> Any:
    """Load the language model at first use: only ingestion needs it."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(_LANGUAGES)
    return identifier
