"""The local answerer: supported, cited, composed, or silent."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.resilience.cancellation import CancelToken, cancel_scope
from core.resilience.deadline import deadline_scope
from core.resilience.errors import Cancelled, DeadlineExceeded
from routing.errors import ProviderUnknown
from routing.pricing import ModelPrice, cost_estimate, cost_micro
from routing.providers.local import LocalProvider
from routing.providers.registry import provider_get
from routing.types import Completion, CompletionRequest, Evidence, EvidenceSentence


def evidence(number: int, *sentences: tuple[str, float]) -> Evidence:
    text = " ".join(sentence for sentence, _ in sentences)
    made = tuple(EvidenceSentence(s, score, 0, len(s)) for s, score in sentences)
    return Evidence(number=number, title=f"Document {number}", text=text, sentences=made)


def answer(*passages: Evidence, threshold: float = 0.5) -> Completion:
    request = CompletionRequest("How long?", passages, support_threshold=threshold)
    return LocalProvider().complete(request)


RETURNS = evidence(
    1,
    ("Welcome to our shop.", 0.02),
    ("You have 30 days to return a jacket.", 0.93),
    ("The days count from delivery.", 0.2),
)


def test_answer_is_the_best_supported_sentence_with_its_citation() -> None:
    completion = answer(RETURNS)
    assert completion.text == "You have 30 days to return a jacket. [1]"
    assert [(c.evidence_number, c.sentence_index) for c in completion.cited] == [(1, 1)]
    assert completion.support == pytest.approx(0.93)
    assert not completion.abstained


@pytest.mark.parametrize(
    "passages", [(), (evidence(1),), (evidence(1, ("Something else entirely.", 0.49)),)]
)
def test_answer_abstains_without_support(passages: tuple[Evidence, ...]) -> None:
    completion = answer(*passages)
    assert completion.abstained
    assert completion.text == ""
    assert completion.cited == ()


def test_threshold_decides_what_is_supported() -> None:
    passage = evidence(1, ("It may be so.", 0.6))
    assert not answer(passage, threshold=0.6).abstained
    assert answer(passage, threshold=0.61).abstained


def test_near_duplicates_are_said_once() -> None:
    other = evidence(2, ("You have 30 days to return a jacket to us.", 0.59))
    best = evidence(1, ("You have 30 days to return a jacket.", 0.6))
    assert answer(best, other).text.count("30 days") == 1


def test_second_document_adds_what_is_nearly_as_supported() -> None:
    best = evidence(1, ("You have 30 days to return a jacket.", 0.7))
    other = evidence(4, ("Worn items are accepted when clean.", 0.6), ("We are closed.", 0.5))
    completion = answer(best, other)
    assert completion.text.endswith("jacket. [1] Worn items are accepted when clean. [4]")
    assert completion.support == pytest.approx(0.7)


def test_much_weaker_sentence_is_left_out() -> None:
    other = evidence(4, ("Worn items are accepted when clean.", 0.7))
    assert answer(RETURNS, other).text == "You have 30 days to return a jacket. [1]"


def test_colon_brings_what_it_introduces() -> None:
    passage = evidence(
        3, ("We accept these cards:", 0.9), ("- Visa", 0.1), ("- Mastercard", 0.1), ("Bye.", 0.0)
    )
    assert answer(passage).text == "We accept these cards: Visa. [3] Mastercard. [3]"


def test_question_gives_its_answer_instead_of_itself() -> None:
    passage = evidence(1, ("Can I pay by invoice?", 0.9), ("Companies can, within 14 days.", 0.3))
    assert answer(passage).text == "Companies can, within 14 days. [1]"


def test_question_without_an_answer_abstains() -> None:
    assert answer(evidence(1, ("Can I pay by invoice?", 0.9))).abstained


def test_heading_brings_the_sentence_below() -> None:
    passage = evidence(1, ("Warranty period", 0.8), ("Two years from purchase.", 0.4))
    assert answer(passage).text == "Warranty period. [1] Two years from purchase. [1]"


def test_pronoun_brings_the_sentence_before() -> None:
    passage = evidence(
        1, ("The Ember stove weighs 118 g.", 0.3), ("It folds flat for travel.", 0.9)
    )
    assert answer(passage).text == "The Ember stove weighs 118 g. [1] It folds flat for travel. [1]"


def test_markup_and_line_breaks_are_removed() -> None:
    passage = evidence(1, ("- **Refunds** take\n  five days", 0.9))
    assert answer(passage).text == "Refunds take five days. [1]"


def test_tokens_are_counted_and_cost_nothing() -> None:
    completion = answer(RETURNS)
    assert completion.tokens_in > 0
    assert completion.tokens_out > 0
    assert completion.cost_micro == 0
    assert completion.provider == "local"


def test_deadline_in_the_past_is_refused() -> None:
    request = CompletionRequest("How long?", (RETURNS,))
    with pytest.raises(DeadlineExceeded):
        LocalProvider().complete(request, deadline=time.monotonic() - 1)


class Passages(tuple[Evidence, ...]):
    """Passages of which the second takes a while to read, in which something happens."""

    happens: Callable[[], object]

    def __iter__(self) -> Iterator[Evidence]:
        yield self[0]
        self.happens()
        yield from self[1:]
        pytest.fail("the provider read on to the end")


def test_answer_is_broken_off_between_passages_when_cancelled() -> None:
    token, passages = CancelToken(), Passages((RETURNS, RETURNS))
    passages.happens = token.cancel
    with cancel_scope(token), pytest.raises(Cancelled):
        LocalProvider().complete(CompletionRequest("How long?", passages))


def test_answer_is_broken_off_between_passages_at_the_callers_deadline() -> None:
    passages = Passages((RETURNS, RETURNS))
    passages.happens = lambda: time.sleep(0.06)
    with deadline_scope(0.05), pytest.raises(DeadlineExceeded):
        LocalProvider().complete(CompletionRequest("How long?", passages))


def test_unknown_provider_is_refused() -> None:
    with pytest.raises(ProviderUnknown):
        provider_get("nobody")


sentences = st.tuples(
    st.text(st.characters(exclude_characters="[]"), max_size=60), st.floats(0.0, 1.0)
)
passages = st.lists(st.lists(sentences, max_size=6), max_size=4)


@given(passages, st.floats(0.0, 1.0))
def test_answer_never_contains_what_no_passage_says(
    drawn: list[list[tuple[str, float]]], threshold: float
) -> None:
    given_evidence = [evidence(number, *found) for number, found in enumerate(drawn, start=1)]
    completion = answer(*given_evidence, threshold=threshold)
    assert completion.abstained == (completion.text == "")
    assert completion.abstained == (not completion.cited)
    assert len(completion.cited) <= 3
    pieces = [compact(piece) for piece in re.split(r"\[\d+\]", completion.text)]
    assert all(any(p in compact(found.text) for found in given_evidence) for p in pieces if p)


def compact(text: str) -> str:
    """Return a text without spaces, punctuation and markup."""
    return re.sub(r"[\W_]", "", text)


def test_cost_is_rounded_up_in_millionths() -> None:
    price = ModelPrice("USD", 150, 600, latency_ms=0, latency_ms_per_1k_output=0)
    assert cost_micro(price, tokens_in=1, tokens_out=0) == 1
    assert cost_micro(price, tokens_in=2000, tokens_out=1000) == 900
    assert str(cost_estimate(price, tokens_in=2000, tokens_out=1000)) == "0.0009"
