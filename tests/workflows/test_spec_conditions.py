"""Conditions as people write them become CEL and give true or false."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.spec.conditions import (
    ConditionError,
    ConditionFailed,
    compile_condition,
    steps_named,
    translate,
)

SCOPE = {"intent": "faq", "confidence": 0.6, "n": 2, "tags": ["a", "b"], "gone": None}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("confidence < 0.7 OR intent == 'complaint'", True),
        ("confidence < 0.5 OR intent == 'complaint'", False),
        ("intent = 'faq' AND n = 2", True),
        ("NOT intent = 'faq'", False),
        ("NOT intent = 'x' AND n = 2", True),
        ("NOT (intent = 'x' OR n = 2)", False),
        ("NOT NOT n = 2", True),
        ("n = 3 OR NOT n = 3", True),
        ("(NOT n = 3) AND (NOT n = 4)", True),
        ("not n == 2 or intent in ['faq', 'x']", True),
        ("intent == 'a AND b = c'", False),
        ('intent != "NOT"', True),
        ("n >= 2 && n <= 2 && n != 3", True),
        ("n < 2.5", True),
        ("'a' in tags AND tags.exists(t, t = 'b')", True),
        ("gone == null", True),
        ("gone == 'x' OR n == 2", True),
        ("n == 2 ? NOT false : false", True),
        ("true", True),
    ],
)
def test_condition_gives(source: str, expected: bool) -> None:
    assert compile_condition(source).holds(SCOPE) is expected


@pytest.mark.parametrize(
    ("source", "offset"),
    [("intent ==", 9), ("intent == 'x' AND", 17), ("a ) b", 2), ("NOT a == == 1", 9), ("", 0)],
)
def test_mistake_is_found_in_the_text_as_written(source: str, offset: int) -> None:
    with pytest.raises(ConditionError) as caught:
        compile_condition(source)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    "source", ["1 / 0 > 1", "gone < 0.7", "n", "tags[9] == 'a'", "n + 'a' == 1"]
)
def test_condition_that_cannot_decide_fails(source: str) -> None:
    with pytest.raises(ConditionFailed):
        compile_condition(source).holds(SCOPE)


def test_lists_inside_lists_are_limited() -> None:
    source = "[1].all(a, [1].all(b, [1].all(c, a + b + c = 3)))"
    with pytest.raises(ConditionError, match="more than 2"):
        compile_condition(source)


def test_names_leave_out_macro_variables_and_members() -> None:
    condition = compile_condition("steps.a.intent = 'x' AND tags.all(t, t != intent)")
    assert condition.names == {"steps", "tags", "intent"}


@given(st.text(max_size=60))
def test_any_text_compiles_or_is_refused(source: str) -> None:
    with suppress(ConditionError):
        compile_condition(source)


@given(st.text(alphabet="abANDORT notor()=<>!&|'\" 1.", max_size=60))
def test_translation_keeps_an_offset_for_each_character(source: str) -> None:
    translated, offsets = translate(source)
    assert len(translated) == len(offsets)
    assert all(0 <= offset <= len(source) + 1 for offset in offsets)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("steps.a.b > 1 && steps['c'].d == steps.e", [(6, "a"), (24, "c"), (39, "e")]),
        ("'steps.a' == x.steps.b", []),
        ("steps.exists(s, s == 'a')", []),
        ("steps . a . steps . b", [(8, "a")]),
    ],
)
def test_steps_of_an_expression_are_found(source: str, found: list[tuple[int, str]]) -> None:
    assert list(steps_named(source)) == found
