"""Request features: cheap lexical signals computed without a model call, in well under 1 ms.

`extract` is a pure function from text (and what the caller knows about the request) to named
floats. Counts stay counts; shares and flags lie in 0..1. The same features explain a decision to
staff, feed the intent classifier (`LEXICAL`) and the complexity score, so a name never changes its
meaning.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

# More text adds nothing to a routing decision but time; the cap keeps the worst case under 1 ms.
ANALYSED_CHARACTERS = 800

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SENTENCE_END = re.compile(r"[.!?]+(?:\s|$)")
_ORDER_NUMBER = re.compile(
    r"\b(?:order|tracking|invoice|reference|ref|parcel|package|bestellung)\b[^\n]{0,20}?[#:\s]\s{0,3}"
    r"[a-z]{0,4}-?\d{3,}|#\s?\d{3,}|\b[a-z]{2,4}-\d{3,}\b",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[^\s@]@[\w-]{1,63}\.\w")
_URL = re.compile(r"https?://|www\.", re.IGNORECASE)
_MONEY = re.compile(
    r"[$€£]\s?\d|\d\s?(?:[$€£]|usd|eur|gbp|dollars?|euros?|pounds?)\b", re.IGNORECASE
)
_MARKUP = re.compile(r"[{}\[\]<>;=]|```")
_JSON_SCHEMA = re.compile(r"\bjson\b|\bschema\b|\{\s*\"", re.IGNORECASE)

_STAFF = (
    r"(?:member\s+of\s+(?:your\s+|the\s+)?(?:staff|team)|person|people|human(?:\s+being)?s?|agents?|representatives?|reps?|operator|someone|somebody"
    r"|advis[eo]r|staff(?:\s+member)?|manager|supervisor|employee|colleague|specialist"
    r"|team(?:\s+member)?|customer\s+(?:service|support|care)|support)"
)
_KIND = (
    r"(?:(?:a|an|the|any|some|one\s+of|your|another|real|live|actual|human|proper|support|service"
    r"|sales|competent)\s+)*"
)
_HUMAN_REQUEST = re.compile(
    "|".join(
        (
            # "speak to a person", "be connected with your support team"
            r"\b(?:speak|talk|chat|connect(?:ed)?|transfer(?:red)?|escalate[d]?|forward(?:ed)?"
            r"|put\s+(?:me\s+)?through|pass(?:ed)?\s+(?:me\s+)?(?:on|over)|hand(?:ed)?\s+(?:me\s+)?over"
            rf"|switch(?:ed)?)\b\W+(?:me\s+|us\s+|this\s+|directly\s+)?(?:to|with)\s+{_KIND}{_STAFF}\b",
            # "connect me to", "get me a real person", "give me somebody"
            rf"\b(?:get|give|find|send|bring|fetch|call)\s+(?:me|us)\s+{_KIND}{_STAFF}\b",
            # "I need a human", "want an agent please"
            rf"\b(?:i|we|i'd|we'd)\b[^.?!]{{0,18}}\b(?:need|want|prefer|like|demand|deal\s+with)"
            rf"\s+{_KIND}{_STAFF}\b(?![\s-]+(?:sized?|tent|account|bag|for))",
            # "is there a human I can talk to", "who can I talk to"
            rf"\b{_STAFF}\s+(?:there\s+)?(?:i|we)\s+(?:can|could|may)\s+(?:talk|speak|chat|write)\b",
            r"\bwho\s+(?:can|could|do|should)\s+i\s+(?:talk|speak|complain)\b",
            rf"\b(?:real|live|actual)\s+{_STAFF}\b",
            # the whole message is the name of a person's role
            rf"^\W*(?:please\W+)?{_KIND}{_STAFF}(?:\W+(?:please|pls|now|help|asap))*\W*$",
            r"\b(?:not|no|stop|hate|tired of|without|instead of)\b[^.?!]{0,25}\b(?:bot|bots|robot"
            r"|chatbot|machine)\b",
        )
    ),
    re.IGNORECASE,
)

_ABOUT_ASSISTANT = re.compile(
    r"^\W*(?:are\s+you|am\s+i\s+(?:talking|chatting|speaking|writing)|is\s+this\s+an?|who\s+are\s+you"
    r"|what\s+are\s+you|what\s+can\s+you\s+do|what's\s+your\s+name)\b",
    re.IGNORECASE,
)

_LEXICON = yaml.safe_load(Path(__file__).with_name("lexicon.yaml").read_text())
_DOMAINS = {name: frozenset(words) for name, words in _LEXICON["domains"].items()}
_VOCABULARY = {name: frozenset(words) for name, words in _LEXICON.items() if name != "domains"}


@dataclass(frozen=True, slots=True)
class _Parsed:
    """The text with everything several features need, computed once."""

    text: str
    length: int  # of the whole message; `text` is its analysed beginning
    words: tuple[str, ...]
    counts: Counter[str]
    history_length: int
    schema_strict: bool

    def share(self, vocabulary: frozenset[str]) -> float:
        return self.count(vocabulary) / max(len(self.words), 1)

    def count(self, vocabulary: frozenset[str]) -> int:
        return sum(self.counts[word] for word in self.counts.keys() & vocabulary)

    def starts(self, vocabulary: frozenset[str]) -> float:
        return float(bool(self.words) and self.words[0] in vocabulary)

    def matches(self, pattern: re.Pattern[str]) -> float:
        return float(pattern.search(self.text) is not None)


def _upper_share(parsed: _Parsed) -> float:
    letters = sum(map(str.isalpha, parsed.text))
    return sum(map(str.isupper, parsed.text)) / max(letters, 1)


def _character_share(parsed: _Parsed, predicate: Callable[[str], bool]) -> float:
    return sum(map(predicate, parsed.text)) / max(len(parsed.text), 1)


_FEATURES: dict[str, Callable[[_Parsed], float]] = {
    "characters": lambda p: float(p.length),
    "words": lambda p: float(len(p.words)),
    # English averages about four characters or three quarters of a word a token; take the larger.
    "token_estimate": lambda p: float(max(-(-p.length // 4), -(-len(p.words) * 4 // 3))),
    "sentences": lambda p: float(max(len(_SENTENCE_END.findall(p.text)), bool(p.words))),
    "average_word_length": lambda p: sum(map(len, p.words)) / max(len(p.words), 1),
    "distinct_word_share": lambda p: len(p.counts) / max(len(p.words), 1),
    "is_short": lambda p: float(len(p.words) <= 3),
    "is_long": lambda p: float(len(p.words) > 60),
    "question_marks": lambda p: float(p.text.count("?")),
    "exclamation_marks": lambda p: float(p.text.count("!")),
    "question_words": lambda p: float(p.count(_VOCABULARY["question_words"])),
    "starts_question": lambda p: p.starts(_VOCABULARY["question_words"]),
    "starts_auxiliary": lambda p: p.starts(_VOCABULARY["auxiliaries"]),
    "starts_imperative": lambda p: p.starts(_VOCABULARY["imperatives"]),
    "digit_share": lambda p: _character_share(p, str.isdigit),
    "numbers": lambda p: float(len(_NUMBER.findall(p.text))),
    "upper_share": _upper_share,
    "non_ascii_share": lambda p: _character_share(p, lambda character: not character.isascii()),
    "english_share": lambda p: p.share(_VOCABULARY["english"]),
    "has_order_number": lambda p: p.matches(_ORDER_NUMBER),
    "has_email": lambda p: p.matches(_EMAIL),
    "has_url": lambda p: p.matches(_URL),
    "has_money": lambda p: p.matches(_MONEY),
    "has_markup": lambda p: p.matches(_MARKUP),
    "wants_json": lambda p: p.matches(_JSON_SCHEMA),
    "schema_strictness": lambda p: float(p.schema_strict),
    "human_request": lambda p: p.matches(_HUMAN_REQUEST),
    "about_assistant": lambda p: p.matches(_ABOUT_ASSISTANT),
    "negative_words": lambda p: float(p.count(_VOCABULARY["negative"])),
    "positive_words": lambda p: float(p.count(_VOCABULARY["positive"])),
    "negations": lambda p: float(p.count(_VOCABULARY["negations"])),
    "politeness": lambda p: float(p.count(_VOCABULARY["polite"])),
    "greeting": lambda p: p.starts(_VOCABULARY["greetings"]),
    "closing": lambda p: float(p.count(_VOCABULARY["closings"])),
    "urgency": lambda p: float(p.count(_VOCABULARY["urgent"])),
    "first_person_share": lambda p: p.share(_VOCABULARY["first_person"]),
    "time_words": lambda p: float(p.count(_VOCABULARY["time"])),
    "order_words": lambda p: float(p.count(_VOCABULARY["order_words"])),
    "reasoning_words": lambda p: float(p.count(_VOCABULARY["reasoning"])),
    "conjunctions": lambda p: float(p.count(_VOCABULARY["conjunctions"])),
    "history_length": lambda p: float(p.history_length),
}

NAMES: tuple[str, ...] = (*_FEATURES, *_DOMAINS)

# What the intent classifier reads beside the embedding, squashed to 0..1: no count dominates.
LEXICAL: tuple[str, ...] = (
    "human_request",
    "about_assistant",
    "has_order_number",
    "greeting",
    "closing",
    "starts_question",
    "starts_auxiliary",
    "starts_imperative",
    "question_marks",
    "exclamation_marks",
    "negative_words",
    "positive_words",
    "first_person_share",
    "order_words",
    "time_words",
    "upper_share",
    "is_short",
    "is_long",
    "has_markup",
    "urgency",
    "english_share",
)


def extract(text: str, *, history_length: int = 0, schema_strict: bool = False) -> dict[str, float]:
    """Compute every feature of a request; keys are `NAMES`, in that order."""
    analysed = text[:ANALYSED_CHARACTERS]
    words = tuple(_WORD.findall(analysed.lower().replace("\u2019", "'")))
    parsed = _Parsed(analysed, len(text), words, Counter(words), history_length, schema_strict)
    values = {name: compute(parsed) for name, compute in _FEATURES.items()}
    values |= {
        name: float(not vocabulary.isdisjoint(words)) for name, vocabulary in _DOMAINS.items()
    }
    return values


def estimate_tokens(text: str) -> int:
    """Estimate how many tokens a model would count: about four characters of English each."""
    return -(-len(text) // 4)


def lexical(values: dict[str, float]) -> list[float]:
    """Return the classifier's lexical inputs of extracted features, each squashed to 0..1."""
    return [
        min(values[name], 2.0) / 2.0 if values[name] > 1.0 else values[name] * 0.5
        for name in LEXICAL
    ]
