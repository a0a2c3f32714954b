"""How demanding a request is, and which tier that calls for: a transparent sum of feature points.

Pure and explainable on purpose: each point that raised the score can be named to staff. A learned
classifier can take its place behind `tier_choose` without touching a caller.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from routing.types import Intent, IntentPrediction, Tier, TierPreference

# feature -> (points per unit, units that count for nothing, units at most, its name in the reason)
POINTS: dict[str, tuple[float, float, float, str]] = {
    "words": (0.35 / 80, 0, 80, "length"),
    "reasoning_words": (0.12, 0, 3, "comparison or reasoning"),
    "question_marks": (0.10, 1, 4, "several questions"),
    "conjunctions": (0.05, 0, 4, "several parts"),
    "sentences": (0.03, 1, 6, "several sentences"),
    "negations": (0.03, 0, 3, "negations"),
    "history_length": (0.15 / 20, 0, 20, "a long conversation"),
    "domain_legal": (0.15, 0, 1, "a legal matter"),
    "domain_medical": (0.20, 0, 1, "a matter of health or safety"),
    "domain_security": (0.08, 0, 1, "account security"),
    "has_markup": (0.10, 0, 1, "markup or code"),
    "non_ascii_share": (0.40, 0, 0.3, "foreign characters"),
}
UNCERTAINTY_POINTS = 0.30  # at a confidence of zero
THRESHOLDS = {
    TierPreference.FAST: (0.50, 0.85),
    TierPreference.BALANCED: (0.35, 0.70),
    TierPreference.ACCURATE: (0.20, 0.50),
}
EARLY_EXIT_CONFIDENCE = 0.6
# These need no composed answer: a lookup, a handover or a set phrase follows.
TRIVIAL_INTENTS = frozenset({Intent.SMALLTALK, Intent.HUMAN_REQUEST, Intent.ORDER_STATUS})


@dataclass(frozen=True, slots=True)
class TierChoice:
    """The tier, the score in 0..1 behind it, and one sentence why."""

    tier: Tier
    score: float
    reasoning: str


def complexity_score(values: Mapping[str, float], confidence: float) -> tuple[float, list[str]]:
    """Return the score in 0..1 and the names of what raised it most, strongest first."""
    earned = {
        label: points * max(min(values[name], most) - free, 0.0)
        for name, (points, free, most, label) in POINTS.items()
    }
    earned["an uncertain intent"] = UNCERTAINTY_POINTS * (1.0 - confidence)
    strongest = sorted(earned, key=earned.__getitem__, reverse=True)
    return min(sum(earned.values()), 1.0), [name for name in strongest if earned[name] >= 0.05][:2]


def tier_choose(
    values: Mapping[str, float], prediction: IntentPrediction, preference: TierPreference
) -> TierChoice:
    """Return the smallest tier that should do: early exit first, then by the score's thresholds."""
    score, causes = complexity_score(values, prediction.confidence)
    opening = f"Recognised as {prediction.intent} with {prediction.confidence:.0%} confidence"
    early = _early_exit(values, prediction)
    if early:
        return TierChoice(Tier.SLM_A, score, f"{opening}; {early}, so the smallest tier is enough.")
    small, medium = THRESHOLDS[preference]
    tier = Tier.SLM_A if score < small else Tier.SLM_B if score < medium else Tier.LLM
    because = f" because of {' and '.join(causes)}" if causes else ""
    return TierChoice(
        tier, score, f"{opening}; complexity {score:.2f}{because} calls for tier {tier}."
    )


def _early_exit(values: Mapping[str, float], prediction: IntentPrediction) -> str:
    if values["schema_strictness"]:
        return "the answer has to fit a strict schema"
    if prediction.intent in TRIVIAL_INTENTS and prediction.confidence >= EARLY_EXIT_CONFIDENCE:
        return "it needs no composed answer"
    return ""
