"""Whether a sentence speaks of what the question speaks of, and does not say it of another.

A passage may be all about the matter and still not answer: the question names somebody else,
another year, the opposite. These signs are read from the words, most of them English; how much
they count is learnt, and less for a language the vectors know less of.
"""

from __future__ import annotations

import re
from typing import Final

# Capitalised words, years and larger numbers: the names of things. The first word says nothing by
# its capital, a small number is seldom repeated in the answer.
_NAME: Final = re.compile(r"(?<=[\s(\"'\u201c])[A-Z][\w'\u2019-]+|\b\d[\d.,]{2,}\b")
_NEGATION: Final = re.compile(
    r"\b(?:not|never|no|without|cannot|unable|fail(?:s|ed)?|except|other than|rather than)\b"
    r"|n['\u2019]t\b",
    re.IGNORECASE,
)
_EXTREME: Final = re.compile(
    r"\b(?:least|fewest|lowest|smallest|worst|last|minimum|before|decreased?|lost|lose|false|"
    r"incorrect|unlike|stop(?:ped)?|end(?:ed)?)\b",
    re.IGNORECASE,
)


def names_missing(question: str, text: str) -> float:
    """Return the share of the things a question names that the text does not, 0 without any."""
    names = [name.rstrip(".,").lower() for name in _NAME.findall(question)]
    said = text.lower()
    return sum(name not in said for name in names) / len(names) if names else 0.0


def negation_missing(question: str, sentence: str) -> float:
    """Return 1 when the question denies something and the sentence denies nothing."""
    return float(bool(_NEGATION.search(question)) and not _NEGATION.search(sentence))


def extreme_missing(question: str, sentence: str) -> float:
    """Return 1 when the question asks for an end or an opposite of which the sentence has none."""
    return float(bool(_EXTREME.search(question)) and not _EXTREME.search(sentence))
