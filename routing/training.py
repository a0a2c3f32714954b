"""Fit the intent classifier: penalised softmax regression and its temperature, in numpy."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from routing import features
from routing.classifier import Floats, inputs, softmax
from routing.types import Intent

EXAMPLES_PATH = Path(__file__).with_name("intents.yaml")
FOLDS = 5
PENALTIES = (0.0003, 0.001)
TEMPERATURES = np.geomspace(0.25, 4.0, 97)

Labels = NDArray[np.int64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """A trained model as it is written to disk, with the figures of its cross-validation."""

    document: dict[str, Any]
    accuracy: float
    calibration_error: float
    penalty: float


def examples_load(path: Path = EXAMPLES_PATH) -> tuple[list[str], Labels]:
    """Return the example texts and the index of each one's intent in `Intent`'s order."""
    stored: dict[str, list[str]] = yaml.safe_load(path.read_text())
    pairs = [(str(text), index) for index, intent in enumerate(Intent) for text in stored[intent]]
    return [text for text, _ in pairs], np.asarray([index for _, index in pairs])


def examples_sha256(path: Path = EXAMPLES_PATH) -> str:
    """Return the digest that ties a committed model to the examples it was fitted on."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def intents_fit() -> Fit:
    """Choose the penalty and temperature by cross-validation, then fit on every example."""
    texts, labels = examples_load()
    matrix = inputs(texts, [features.extract(text) for text in texts]).astype(np.float64)
    scored = {penalty: out_of_fold_logits(matrix, labels, penalty) for penalty in PENALTIES}
    tempered = {penalty: best_temperature(logits, labels) for penalty, logits in scored.items()}
    penalty = min(PENALTIES, key=lambda p: log_loss(scored[p] / tempered[p], labels))
    probabilities = softmax(scored[penalty] / tempered[penalty])
    weights, bias = softmax_fit(matrix, labels, penalty)
    return Fit(
        document=_document(weights, bias, tempered[penalty]),
        accuracy=float((probabilities.argmax(axis=1) == labels).mean()),
        calibration_error=calibration_error(probabilities, labels),
        penalty=penalty,
    )


def softmax_fit(matrix: Matrix, labels: Labels, penalty: float) -> tuple[Matrix, Matrix]:
    """Return (weights, bias) minimising log loss + penalty/2 * |weights|^2, by accelerated descent.

    Small classes weigh more than their share. Nesterov's method with the step 1/L, L being the
    smoothness bound of softmax regression; the problem is convex, so no luck is involved.
    """
    rows = np.hstack([matrix, np.ones((len(matrix), 1))])
    targets = np.eye(len(Intent))[labels]
    share = _balanced(labels)[:, None]
    decay = np.full((1, rows.shape[1]), penalty)
    decay[0, -1] = 0.0
    step = 1.0 / (0.5 * np.linalg.norm(rows * np.sqrt(share), ord=2) ** 2 + penalty)
    solution = previous = np.zeros((targets.shape[1], rows.shape[1]))
    for iteration in range(1, 701):
        ahead = solution + (iteration - 1) / (iteration + 2) * (solution - previous)
        residual = (softmax(rows @ ahead.T) - targets) * share
        previous, solution = solution, ahead - step * (residual.T @ rows + decay * ahead)
    return solution[:, :-1], solution[:, -1]


def out_of_fold_logits(matrix: Matrix, labels: Labels, penalty: float) -> Matrix:
    """Return for each example the logits of a model that was fitted without its fold."""
    folds = np.arange(len(labels)) % FOLDS
    logits = np.zeros((len(labels), len(Intent)))
    for fold in range(FOLDS):
        held = folds == fold
        weights, bias = softmax_fit(matrix[~held], labels[~held], penalty)
        logits[held] = matrix[held] @ weights.T + bias
    return logits


def best_temperature(logits: Matrix, labels: Labels) -> float:
    """Return the temperature with the least log loss on logits the model has not been fitted to."""
    losses = [log_loss(logits / temperature, labels) for temperature in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def log_loss(logits: Matrix, labels: Labels) -> float:
    """Return the mean negative log likelihood of the labels, in nats."""
    likelihood = softmax(logits)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(likelihood, 1e-12)).mean())


def calibration_error(probabilities: Matrix, labels: Labels, bins: int = 10) -> float:
    """Return the expected calibration error: |confidence - accuracy| weighted over equal bins."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    members = [bin_of == index for index in range(bins)]
    gaps = [abs(correct[m].mean() - confidence[m].mean()) * m.mean() for m in members if m.any()]
    return float(sum(gaps))


def _balanced(labels: Labels) -> Matrix:
    counts = np.bincount(labels, minlength=len(Intent))
    weights = 1.0 / np.sqrt(
        counts[labels]
    )  # between "every example" and "every class" counts alike
    return np.asarray(weights / weights.sum())


def _document(weights: Matrix, bias: Matrix, temperature: float) -> dict[str, Any]:
    return {
        "examples_sha256": examples_sha256(),
        "intents": [str(intent) for intent in Intent],
        "lexical": list(features.LEXICAL),
        "temperature": round(temperature, 4),
        "bias": [round(float(value), 4) for value in bias],
        "weights": [[round(float(value), 4) for value in row] for row in weights],
    }


def embedding_inputs(texts: list[str]) -> Floats:
    """Return the classifier's inputs for texts alone."""
    return inputs(texts, [features.extract(text) for text in texts])
