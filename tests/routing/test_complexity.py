"""Tiers: early exit, thresholds, preferences, and a reason for each."""

from __future__ import annotations

import pytest

from routing import features
from routing.complexity import complexity_score, tier_choose
from routing.types import Intent, IntentPrediction, Tier, TierPreference

SHORT = "How long is the warranty?"
HARD = (
    "Why is the Ridgeline better than the other, and if I compare both for winter, "
    "which would you recommend, given that my doctor says I am allergic to down? "
    "Also, what are the legal terms? "
    "And does not the warranty depend on whether I registered it, because I have not?"
)


def prediction(intent: Intent = Intent.FAQ, confidence: float = 0.95) -> IntentPrediction:
    return IntentPrediction(intent, confidence, {intent: confidence})


def choose(
    text: str,
    intent: Intent = Intent.FAQ,
    confidence: float = 0.95,
    preference: TierPreference = TierPreference.BALANCED,
    strict: bool = False,
) -> Tier:
    values = features.extract(text, schema_strict=strict)
    return tier_choose(values, prediction(intent, confidence), preference).tier


def test_short_question_stays_small() -> None:
    assert choose(SHORT) is Tier.SLM_A


def test_demanding_question_gets_the_largest_tier() -> None:
    assert choose(HARD) is Tier.LLM


def test_strict_schema_exits_early_whatever_the_complexity() -> None:
    assert choose(HARD, strict=True) is Tier.SLM_A


@pytest.mark.parametrize("intent", [Intent.HUMAN_REQUEST, Intent.SMALLTALK, Intent.ORDER_STATUS])
def test_trivial_intent_exits_early(intent: Intent) -> None:
    assert choose(HARD, intent) is Tier.SLM_A


def test_uncertain_trivial_intent_does_not_exit_early() -> None:
    assert choose(HARD, Intent.SMALLTALK, confidence=0.4) is not Tier.SLM_A


def test_low_confidence_raises_the_score() -> None:
    values = features.extract(SHORT)
    assert complexity_score(values, 0.3)[0] > complexity_score(values, 0.9)[0]


def test_preference_never_lowers_the_tier_towards_accuracy() -> None:
    order = list(Tier)
    for text in (SHORT, HARD, f"{SHORT} And why?", HARD[:120]):
        tiers = [order.index(choose(text, preference=preference)) for preference in TierPreference]
        assert tiers == sorted(tiers)


def test_score_stays_within_bounds() -> None:
    assert complexity_score(features.extract(""), 1.0)[0] >= 0.0
    assert complexity_score(features.extract(HARD * 50), 0.0)[0] <= 1.0


def test_reason_fits_its_column_and_names_the_intent() -> None:
    choice = tier_choose(features.extract(HARD), prediction(), TierPreference.BALANCED)
    assert "faq" in choice.reasoning
    assert len(choice.reasoning) <= 300
