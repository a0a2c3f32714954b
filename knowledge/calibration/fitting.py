"""Fit the scoring models: rankings listwise, probabilities by logistic regression, both with L2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from knowledge.scoring import Logistic

ITERATIONS: Final = 15
RIDGE: Final = 1.0
RANKING_STEPS: Final = 400
RANKING_SPEED: Final = 0.3
Matrix = NDArray[np.float64]


def logistic_fit(
    features: Matrix,
    labels: Matrix,
    weights: Matrix,
    *,
    signs: Sequence[int],
    ridge: float = RIDGE,
) -> Logistic:
    """Return the model that makes the labels most likely; the bias is not penalised.

    `signs` says per feature which way it may count: 1 for, -1 against, 0 either. A feature that
    comes out the wrong way is left out and the rest fitted again, so that what helps to find an
    answer never counts against one because of how a data set was made.
    """
    kept = list(range(features.shape[1]))
    while True:
        beta = _newton(features[:, kept], labels, weights, ridge)
        wrong = [(abs(w), k) for w, k in zip(beta[1:], kept, strict=True) if w * signs[k] < 0]
        if not wrong:
            break
        kept.remove(max(wrong)[1])
    found = dict(zip(kept, beta[1:], strict=True))
    everything = range(features.shape[1])
    return Logistic(float(beta[0]), tuple(float(found.get(index, 0.0)) for index in everything))


def _newton(features: Matrix, labels: Matrix, weights: Matrix, ridge: float) -> Matrix:
    """Return bias and weights."""
    design = np.hstack([np.ones((len(features), 1)), features])
    penalty = np.diag([0.0] + [ridge] * features.shape[1])
    beta = np.zeros(design.shape[1])
    for _ in range(ITERATIONS):
        predicted = 1 / (1 + np.exp(-design @ beta))
        gradient = design.T @ (weights * (labels - predicted)) - penalty @ beta
        curvature = weights * np.maximum(predicted * (1 - predicted), 1e-9)
        beta += np.linalg.solve((design.T * curvature) @ design + penalty, gradient)
    return beta


@dataclass(frozen=True, slots=True)
class Group:
    """What one question has to choose among; `labels` marks the right ones, maybe none."""

    features: Matrix
    labels: Matrix
    weight: float


def ranking_fit(groups: Sequence[Group], *, signs: Sequence[int], ridge: float = RIDGE) -> Logistic:
    """Return a model that puts the right rows of each question first, as calibrated probability.

    The weights maximise the softmax likelihood of the right rows among those of their question
    (ListNet, Cao et al. 2007) by Adam, signs respected; Platt scaling over all rows then fixes
    slope and bias. Fitted row by row instead, a model learns to tell easy questions from hard.
    A feature that is the same in all rows of a question (sign 0) cannot rank; it is fitted with
    slope and bias, and shifts the probability.
    """
    weights = _listwise([group for group in groups if group.labels.any()], signs, ridge)
    rows = np.concatenate([group.features for group in groups])
    labels = np.concatenate([group.labels for group in groups])
    mass = np.concatenate([np.full(len(g.labels), g.weight) for g in groups])
    shifting = [index for index, sign in enumerate(signs) if sign == 0]
    columns = np.column_stack([rows @ weights, rows[:, shifting]])
    platt = logistic_fit(columns, labels, mass, signs=[1] + [0] * len(shifting))
    slope, *shifts = platt.weights
    final = slope * weights
    final[shifting] = shifts
    return Logistic(platt.bias, tuple(map(float, final)))


def _listwise(groups: Sequence[Group], signs: Sequence[int], ridge: float) -> Matrix:
    allowed = np.array(signs)
    fixed = allowed == 0
    total = sum(group.weight for group in groups)
    beta = np.zeros(len(allowed))
    first, second = np.zeros_like(beta), np.zeros_like(beta)
    for step in range(1, RANKING_STEPS + 1):
        gradient = (sum(_pull(group, beta) for group in groups) - ridge * beta) / total
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        speed = RANKING_SPEED * (1.0 if step < RANKING_STEPS * 0.6 else 0.3)
        beta += speed * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        beta = np.where(fixed | (allowed * beta < 0), 0.0, beta)
    return beta


def _pull(group: Group, beta: Matrix) -> Matrix:
    """Return the gradient of one question's log likelihood."""
    scores = group.features @ beta
    chosen = np.exp(scores - scores.max())
    chosen /= chosen.sum()
    right = chosen * group.labels
    return np.asarray(
        group.weight * (group.features.T @ (right / max(right.sum(), 1e-12) - chosen))
    )


def recalibrated(model: Logistic, groups: Sequence[Group]) -> Logistic:
    """Return the model with slope and bias fitted to other questions (Platt scaling).

    Only the best row of each question counts: that is the one whose probability decides whether
    to answer, and the many rows nobody would choose say nothing about it.
    """
    logits = [group.features @ np.array(model.weights) for group in groups]
    best = np.array([own.max() for own in logits])
    labels = np.array([g.labels[own.argmax()] for g, own in zip(groups, logits, strict=True)])
    platt = logistic_fit(best[:, None], labels, np.ones(len(best)), signs=[1], ridge=0.1)
    slope = platt.weights[0]
    return Logistic(platt.bias, tuple(slope * weight for weight in model.weights))


def probabilities(model: Logistic, features: Matrix) -> Matrix:
    """Return the model's probabilities for many rows."""
    logits: Matrix = features @ np.array(model.weights) + model.bias
    return np.asarray(1 / (1 + np.exp(-logits)))


def log_loss(predicted: Matrix, labels: Matrix) -> float:
    """Return the mean negative log likelihood."""
    clipped = np.clip(predicted, 1e-9, 1 - 1e-9)
    return float(-np.mean(labels * np.log(clipped) + (1 - labels) * np.log(1 - clipped)))


def calibration_error(predicted: Matrix, labels: Matrix, bins: int = 10) -> float:
    """Return the expected calibration error over equally wide bins (Naeini et al. 2015)."""
    index = np.minimum((predicted * bins).astype(int), bins - 1)
    gaps = [
        abs(predicted[index == b].mean() - labels[index == b].mean()) * (index == b).mean()
        for b in range(bins)
        if (index == b).any()
    ]
    return float(sum(gaps))


def ranking_quality(predicted: Matrix, labels: Matrix) -> float:
    """Return the area under the ROC curve; equals count half (Mann & Whitney 1947)."""
    _, place, counts = np.unique(predicted, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positives = labels > 0.5
    n, m = int(positives.sum()), int((~positives).sum())
    return float((ranks[positives].sum() - n * (n + 1) / 2) / (n * m)) if n and m else 0.5
