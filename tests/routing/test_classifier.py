"""Intents: phrases never trained on, calibration, and that the weights belong to the examples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from routing import features
from routing.classifier import classify, classify_many, model
from routing.training import calibration_error, examples_load, examples_sha256
from routing.types import Intent, IntentPrediction

HELDOUT: dict[str, list[str]] = yaml.safe_load(
    Path(__file__).with_name("intents_heldout.yaml").read_text()
)
PAIRS = [(str(text), Intent(intent)) for intent, texts in HELDOUT.items() for text in texts]
MUST_BE_HUMAN = [
    "I want to speak to a person",
    "can I talk to a human please",
    "agent!!",
    "get me a real person",
    "let me speak to someone",
]


def predict(*texts: str) -> list[IntentPrediction]:
    return classify_many(list(texts), [features.extract(text) for text in texts])


@pytest.fixture(scope="module")
def predictions() -> list[IntentPrediction]:
    return predict(*(text for text, _ in PAIRS))


def test_heldout_phrases_are_many_and_never_trained_on() -> None:
    trained = {text.casefold() for text in examples_load()[0]}
    assert len(PAIRS) >= 60
    assert not [text for text, _ in PAIRS if text.casefold() in trained]


def test_model_was_fitted_on_the_committed_examples() -> None:
    assert model().examples_sha256 == examples_sha256()
    assert model().lexical == features.LEXICAL


def test_heldout_accuracy_is_high(predictions: list[IntentPrediction]) -> None:
    right = [p.intent == wanted for p, (_, wanted) in zip(predictions, PAIRS, strict=True)]
    assert sum(right) / len(right) >= 0.93


def test_confidence_is_calibrated(predictions: list[IntentPrediction]) -> None:
    order = list(Intent)
    probabilities = np.asarray([[p.probabilities[i] for i in order] for p in predictions])
    labels = np.asarray([order.index(wanted) for _, wanted in PAIRS])
    assert calibration_error(probabilities, labels) <= 0.10


def test_probabilities_sum_to_one(predictions: list[IntentPrediction]) -> None:
    for prediction in predictions:
        assert sum(prediction.probabilities.values()) == pytest.approx(1.0)
        assert prediction.confidence == max(prediction.probabilities.values())


@pytest.mark.parametrize("text", MUST_BE_HUMAN)
def test_request_for_a_person_is_recognised_with_confidence(text: str) -> None:
    (prediction,) = predict(text)
    assert prediction.intent is Intent.HUMAN_REQUEST
    assert prediction.confidence >= 0.7


@pytest.mark.parametrize(
    "text", ["Can a person return an item by post?", "what does the person-sized tent hold"]
)
def test_question_that_mentions_a_person_is_a_question(text: str) -> None:
    assert predict(text)[0].intent is Intent.FAQ


@pytest.mark.parametrize("text", ["", "   ", "\x00", "x" * 100_000, "🙂🙂🙂"])
def test_any_text_is_classified(text: str) -> None:
    assert classify(text, features.extract(text)).intent in Intent
