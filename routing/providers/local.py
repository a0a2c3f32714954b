"""The answerer that needs no key: the best supported sentences of the passages, cited, or nothing.

Extractive by design. Every sentence of an answer stands verbatim in a passage, so an answer can be
incomplete but not invented; when no sentence is probable enough it abstains. It is the default of
every tier and the fallback when a remote provider is down.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.resilience.deadline import deadline_until
from core.resilience.interruption import interruption_check
from routing.features import estimate_tokens
from routing.pricing import ModelPrice
from routing.types import CitedSentence, Completion, CompletionRequest, Evidence

# Sentences nearly as probable as the best are given with it, since the ranking of the first few is
# often wrong. Measured on the demo tenants' 73 answerable questions (bench/answers.py): the best
# sentence alone answers 42 of them, up to three at this share 57.
COMPANION_SHARE = 0.8
DUPLICATE_OVERLAP = 0.75
FRAGMENT_WORDS = 4

_WORD = re.compile(r"\w+")
_ANAPHORIC = re.compile(
    r"^(?:it|its|this|that|these|those|they|them|their|he|she|such|both|either|then|otherwise|however"
    r"|therefore|but|and|so|also|in (?:this|that|these|those) cases?|if (?:so|not)|after that)\b",
    re.IGNORECASE,
)
_TERMINAL = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]]*$")
_BULLET = re.compile(r"^(?:[-*\u2013\u2022\u00b7\u25aa]\s+|#{1,6}\s+)")
_MARKS = re.compile(r"\*\*|__|`")

Place = tuple[int, int]  # (index of the evidence, index of the sentence in it)


@dataclass(frozen=True, slots=True)
class _Candidate:
    place: Place
    text: str
    score: float
    words: frozenset[str]


class LocalProvider:
    """Compose an answer of at most three sentences from the evidence; costs nothing."""

    name = "local"
    model = "extractive-1"
    price = ModelPrice("USD", 0, 0, latency_ms=20, latency_ms_per_1k_output=0)

    def complete(self, request: CompletionRequest, *, deadline: float | None = None) -> Completion:
        """Answer with cited sentences, or abstain below the request's support threshold.

        Asks before every passage and every sentence whether it is still wanted. Raises
        DeadlineExceeded, Cancelled.
        """
        with deadline_until(deadline):
            interruption_check()
            return self._complete(request)

    def _complete(self, request: CompletionRequest) -> Completion:
        began = time.perf_counter()
        chosen = _choose(request)
        support = chosen[0].score if chosen else 0.0
        places = _compose(request, chosen) if support >= request.support_threshold else []
        text = " ".join(_render(request.evidence, places))
        return Completion(
            text=text,
            cited=tuple(_citation(request.evidence, place) for place in places),
            support=support,
            abstained=not places,
            tokens_in=_tokens_in(request),
            tokens_out=estimate_tokens(text),
            currency=self.price.currency,
            provider=self.name,
            model=self.model,
            latency_ms=(time.perf_counter() - began) * 1000,
        )


def _rank(evidence: Sequence[Evidence]) -> list[_Candidate]:
    """Return every usable sentence, most probable first, earlier passages first among equals."""
    candidates: list[_Candidate] = []
    for at, passage in enumerate(evidence):
        interruption_check()
        candidates += [
            _Candidate((at, index), sentence.text, sentence.score, _words(sentence.text))
            for index, sentence in enumerate(passage.sentences)
        ]
    usable = [candidate for candidate in candidates if candidate.words]
    return sorted(usable, key=lambda candidate: (-candidate.score, candidate.place))


def _choose(request: CompletionRequest) -> list[_Candidate]:
    """Return the sentences to answer with, most probable first, each said only once."""
    chosen: list[_Candidate] = []
    for candidate in _rank(request.evidence):
        interruption_check()
        is_weaker = bool(chosen) and candidate.score < COMPANION_SHARE * chosen[0].score
        if is_weaker or len(chosen) >= request.max_sentences:
            break
        if not any(_is_duplicate(candidate, other) for other in chosen):
            chosen.append(candidate)
    return chosen


def _compose(request: CompletionRequest, chosen: list[_Candidate]) -> list[Place]:
    """Return the places of the answer's sentences in reading order."""
    places: list[Place] = []
    for candidate in chosen:
        interruption_check()
        places += [place for place in _with_context(request, candidate) if place not in places]
    said = [place for place in places if _words(_text(request.evidence, place))]
    return _reading_order(said[: request.max_sentences])


def _with_context(request: CompletionRequest, candidate: _Candidate) -> list[Place]:
    """Return the sentence's place and the neighbours without which it cannot be understood.

    What a colon introduces, a heading announces or a question asks stands after it; what a pronoun
    refers to stands before it. A question is not an answer, so only what follows it is kept.
    """
    at, index = candidate.place
    text = _clean(candidate.text)
    last = min(index + request.max_sentences, len(request.evidence[at].sentences))
    following = [(at, number) for number in range(index + 1, last)]
    if text.endswith("?"):
        return following[:1]
    if text.endswith(":"):
        return [candidate.place, *following]
    if len(candidate.words) < FRAGMENT_WORDS and not _TERMINAL.search(text):
        return [candidate.place, *following[:1]]
    if _ANAPHORIC.match(text) and index > 0:
        return [candidate.place, (at, index - 1)]
    return [candidate.place]


def _is_duplicate(one: _Candidate, other: _Candidate) -> bool:
    shared = len(one.words & other.words)
    return shared >= DUPLICATE_OVERLAP * min(len(one.words), len(other.words))


def _reading_order(places: list[Place]) -> list[Place]:
    """Keep passages in order of their best sentence, and each passage's sentences as written."""
    passages = list(dict.fromkeys(at for at, _ in places))
    return sorted(places, key=lambda place: (passages.index(place[0]), place[1]))


def _render(evidence: Sequence[Evidence], places: list[Place]) -> list[str]:
    """Return the sentences as one reads them, each followed by its passage's number."""
    return [
        _marked(_finished(_clean(_text(evidence, (at, index)))), evidence[at].number, is_led_on)
        for (at, index), is_led_on in zip(places, _leads_on(places), strict=True)
    ]


def _leads_on(places: list[Place]) -> list[bool]:
    """Return for each place whether the answer goes on with the passage's next sentence."""
    follows = [(at, index + 1) == later for (at, index), later in pairwise(places)]
    return [*follows, False][: len(places)]


def _marked(sentence: str, number: int, is_led_on: bool) -> str:
    """Append the passage's number, except between a colon and what it introduces."""
    return sentence if is_led_on and sentence.endswith(":") else f"{sentence} [{number}]"


def _citation(evidence: Sequence[Evidence], place: Place) -> CitedSentence:
    return CitedSentence(evidence_number=evidence[place[0]].number, sentence_index=place[1])


def _text(evidence: Sequence[Evidence], place: Place) -> str:
    return evidence[place[0]].sentences[place[1]].text


def _clean(text: str) -> str:
    return _MARKS.sub("", _BULLET.sub("", " ".join(text.split())))


def _finished(text: str) -> str:
    return text if text.endswith(":") or _TERMINAL.search(text) else f"{text.rstrip(' ;,')}."


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def _tokens_in(request: CompletionRequest) -> int:
    passages = sum(estimate_tokens(evidence.text) for evidence in request.evidence)
    return passages + estimate_tokens(request.question) + estimate_tokens(request.system_prompt)
