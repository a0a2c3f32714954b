"""Features: what they say, that they never take long, that they accept anything."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing import features

HUMAN = [
    "I want to speak to a person",
    "can I talk to a human please",
    "agent!!",
    "get me a real person",
    "let me speak to someone",
    "please put me through to your support team",
    "I need a human",
    "customer service",
    "is there a human I can talk to",
]
NOT_HUMAN = [
    "Can a person return an item by post?",
    "what does the person-sized tent hold",
    "Does the tent need a person to hold it?",
    "How many people fit in the tent?",
    "Which cleaning agent should I use?",
    "Are you a real person?",
]


def test_there_are_more_than_24_features() -> None:
    assert len(features.NAMES) >= 24
    assert len(set(features.NAMES)) == len(features.NAMES)


def test_extract_returns_every_name_in_order() -> None:
    assert tuple(features.extract("Where is my order 48213?")) == features.NAMES


@pytest.mark.parametrize("text", HUMAN)
def test_human_request_is_recognised(text: str) -> None:
    assert features.extract(text)["human_request"] == 1.0


@pytest.mark.parametrize("text", NOT_HUMAN)
def test_human_request_ignores_people_in_questions(text: str) -> None:
    values = features.extract(text)
    assert values["human_request"] == 0.0 or values["about_assistant"] == 1.0


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("", "words", 0.0),
        ("", "token_estimate", 0.0),
        ("How long? And how much?", "question_marks", 2.0),
        ("How long does it take?", "starts_question", 1.0),
        ("Can I return it?", "starts_auxiliary", 1.0),
        ("Show me the prices", "starts_imperative", 1.0),
        ("Where is order #48213", "has_order_number", 1.0),
        ("my order number is GX-20881", "has_order_number", 1.0),
        ("There are 12 people", "has_order_number", 0.0),
        ("mail me at anna@example.com", "has_email", 1.0),
        ("It cost € 12", "has_money", 1.0),
        ("please, thank you", "politeness", 2.0),
        ("this is terrible and useless", "negative_words", 2.0),
        ("HELLO", "upper_share", 1.0),
        ("Ich möchte", "non_ascii_share", 0.1),
        ('{"a": 1}', "has_markup", 1.0),
        ("my lawyer will write", "domain_legal", 1.0),
        ("I don\u2019t know", "negations", 1.0),
    ],
)
def test_feature_has_value(text: str, name: str, value: float) -> None:
    assert features.extract(text)[name] == pytest.approx(value)


def test_features_carry_what_the_caller_knows() -> None:
    values = features.extract("hello", history_length=7, schema_strict=True)
    assert values["history_length"] == 7.0
    assert values["schema_strictness"] == 1.0


@given(st.text(max_size=3000))
def test_extract_accepts_any_text(text: str) -> None:
    values = features.extract(text)
    assert all(math.isfinite(value) and value >= 0.0 for value in values.values())
    assert all(0.0 <= value <= 1.0 for value in features.lexical(values))


@pytest.mark.parametrize("unit", ["a", "order ", "talk to ", "get me the ", "!", "# 1", "@a"])
def test_extract_does_not_blow_up_on_hostile_repetition(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    features.extract(text)
    began = time.process_time()
    features.extract(text)
    assert time.process_time() - began < 0.05  # a guard against quadratic patterns, not a benchmark
