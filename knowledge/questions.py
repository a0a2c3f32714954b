"""What a question means to the search: its text made ready, and its vector."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.embedding import MAX_TOKENS, embed, token_counts
from knowledge.splitting import sentence_bounds

MAX_QUERY: Final = 8000
MAX_SENTENCES: Final = 64


def question_text(query: str) -> str:
    """Return a question in one line, as far as it is read."""
    return " ".join(query.replace("\x00", " ").split())[:MAX_QUERY]


def question_vector(question: str) -> NDArray[np.float32]:
    """Return a question's unit vector.

    What is longer than the model reads at once, a whole story, is the mean of its sentences: cut
    off instead, its end would count for nothing.
    """
    if token_counts([question])[0] < MAX_TOKENS:
        return np.asarray(embed([question])[0], dtype=np.float32)
    bounds = sentence_bounds(question)[:MAX_SENTENCES]
    mean = embed([question[start:end] for start, end in bounds]).mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)
