"""How much of a text the embedding model reads as words."""

from __future__ import annotations

import pytest

from core.embedding import familiarity


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("How long do I have to return a jacket?", 0.8, 1.0),
        ("Wie lange kann ich eine Jacke zur\u00fcckgeben?", 0.3, 0.9),
        ("\u6211\u53ef\u4ee5\u9000\u8d27\u5417\uff1f", 0.0, 0.1),
        ("\u0e2a\u0e48\u0e07\u0e04\u0e37\u0e19\u0e2a\u0e34\u0e19\u0e04\u0e49\u0e32", 0.0, 0.1),
        ("?!", 0.0, 0.0),
        ("", 0.0, 0.0),
        ("return " * 5_000, 0.9, 1.0),
    ],
)
def test_share_of_letters_in_known_words(text: str, low: float, high: float) -> None:
    assert low <= familiarity(text) <= high
