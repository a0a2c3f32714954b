"""Frames are strict: what is not listed is refused by name."""

from __future__ import annotations

import json
from typing import Literal
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.realtime import errors
from core.realtime.frames import Frame, FrameSet


class Part(Frame):
    conversation: UUID


class Open(Frame):
    type: Literal["open"] = "open"
    part: Part
    client_id: str | None = None


class Ping(Frame):
    type: Literal["ping"] = "ping"


FRAMES: FrameSet[Frame] = FrameSet(Open, Ping)


def test_frame_is_decoded_into_its_model() -> None:
    identifier = uuid4()
    text = json.dumps({"type": "open", "part": {"conversation": str(identifier)}})
    assert FRAMES.decode(text) == Open(part=Part(conversation=identifier))


def test_unknown_field_is_named_with_the_client_id() -> None:
    body = {"type": "open", "part": {"conversation": str(uuid4()), "extra": 1}, "client_id": "c"}
    with pytest.raises(errors.FrameUnknownField) as caught:
        FRAMES.decode(json.dumps(body))
    assert caught.value.data == {"field": "part.extra", "client_id": "c"}


def test_size_counts_bytes_not_characters() -> None:
    text = json.dumps({"type": "ping", "pad": "ä" * 40_000}, ensure_ascii=False)
    with pytest.raises(errors.FrameTooLarge):
        FRAMES.decode(text)


def test_error_never_repeats_what_was_sent() -> None:
    secret = "4111 1111 1111 1111"
    with pytest.raises(errors.FrameInvalid) as caught:
        FRAMES.decode(json.dumps({"type": "open", "part": {"conversation": secret}}))
    assert secret not in json.dumps(caught.value.frame())


SCALARS = st.none() | st.text() | st.integers() | st.floats()
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(st.text() | TREES.map(json.dumps))
def test_any_text_is_either_a_frame_or_a_named_error(text: str) -> None:
    outcome = "frame_decoded"
    try:
        FRAMES.decode(text)
    except errors.FrameInvalid as error:
        outcome = error.code
    assert outcome.startswith("frame_")


def test_wire_form_leaves_out_what_does_not_apply() -> None:
    assert Ping().wire() == {"type": "ping"}
    part = Part(conversation=UUID(int=1))
    assert Open(part=part).wire() == {
        "type": "open",
        "part": {"conversation": "00000000-0000-0000-0000-000000000001"},
    }


def test_refusal_never_repeats_what_cannot_be_sent() -> None:
    with pytest.raises(errors.FrameInvalid) as caught:
        FRAMES.decode('{"type": "open", "client_id": "\\ud800"}')
    assert "client_id" not in caught.value.data
