"""A question's vector: of the whole text, or the mean of its sentences where it is a story."""

from __future__ import annotations

import numpy as np

from core.embedding import embed
from knowledge.questions import MAX_QUERY, question_text, question_vector

STORY = "I bought a lamp from you. " * 60


def test_short_question_is_embedded_as_it_is() -> None:
    assert np.array_equal(question_vector("Is it wide?"), embed(["Is it wide?"])[0])


def test_end_of_a_long_story_counts() -> None:
    ends = [question_vector(STORY + end) for end in ("Can I return it?", "Do you sell boats?")]
    assert not np.allclose(ends[0], ends[1])
    assert all(np.isclose(np.linalg.norm(end), 1.0, atol=1e-5) for end in ends)


def test_text_is_one_line_of_bounded_length() -> None:
    assert question_text(" a\x00b \n c ") == "a b c"
    assert len(question_text("word " * MAX_QUERY)) == MAX_QUERY
