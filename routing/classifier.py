"""Intent recognition: logistic regression over a MiniLM embedding and lexical features.

The weights are fitted by `manage.py intents_train` from intents.yaml and committed as
intents_model.json, so that classifying costs one embedding and one small product and no start-up
work. Probabilities are calibrated by temperature scaling (Guo et al., "On Calibration of Modern
Neural Networks", 2017); the temperature comes from out-of-fold predictions, never from examples
the weights have seen.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.embedding import embed
from routing import features
from routing.types import Intent, IntentPrediction

MODEL_PATH = Path(__file__).with_name("intents_model.json")
EMBEDDED_CHARACTERS = 600  # the intent stands in the first sentences; longer input only costs time

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class IntentModel:
    """Fitted weights: `weights` is (intents, dimensions + lexical), `bias` is (intents,)."""

    intents: tuple[Intent, ...]
    lexical: tuple[str, ...]
    weights: Floats
    bias: Floats
    temperature: float
    examples_sha256: str


@cache
def model() -> IntentModel:
    """Return the committed model, read once per process."""
    stored = json.loads(MODEL_PATH.read_text())
    return IntentModel(
        intents=tuple(Intent(name) for name in stored["intents"]),
        lexical=tuple(stored["lexical"]),
        weights=np.asarray(stored["weights"], dtype=np.float32),
        bias=np.asarray(stored["bias"], dtype=np.float32),
        temperature=float(stored["temperature"]),
        examples_sha256=stored["examples_sha256"],
    )


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return row-wise probabilities of logits of shape (n, k)."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float64)


def inputs(texts: list[str], extracted: list[dict[str, float]]) -> Floats:
    """Return the classifier's input matrix (n, dimensions + lexical); costs one model call."""
    vectors = embed([text[:EMBEDDED_CHARACTERS] for text in texts])
    lexical = np.asarray([features.lexical(values) for values in extracted], dtype=np.float32)
    return np.hstack([vectors, lexical])


def classify_many(texts: list[str], extracted: list[dict[str, float]]) -> list[IntentPrediction]:
    """Return the calibrated prediction for each text; `extracted` are the texts' features."""
    fitted = model()
    logits = inputs(texts, extracted) @ fitted.weights.T + fitted.bias
    return [_prediction(fitted, row) for row in softmax(logits / fitted.temperature)]


def classify(text: str, extracted: dict[str, float]) -> IntentPrediction:
    """Return the calibrated prediction for one text."""
    return classify_many([text], [extracted])[0]


def _prediction(fitted: IntentModel, row: NDArray[np.float64]) -> IntentPrediction:
    probabilities = {intent: float(p) for intent, p in zip(fitted.intents, row, strict=True)}
    intent = max(probabilities, key=probabilities.__getitem__)
    return IntentPrediction(intent, probabilities[intent], probabilities)
