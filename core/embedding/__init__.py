"""Sentence embeddings: `embed(texts)` gives unit vectors, `token_counts(texts)` lengths."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from core.embedding.model import DIMENSIONS, MAX_TOKENS, Vectors, minilm

__all__ = ["DIMENSIONS", "MAX_TOKENS", "Vectors", "embed", "familiarity", "token_counts", "warm_up"]


def embed(texts: Sequence[str]) -> Vectors:
    """Return float32 unit vectors of shape (n, 384), truncated at 256 tokens each.

    A lone text is remembered for a while: a question is embedded by the router and again by the
    search a moment later. The array is read-only then.
    """
    return _lone(texts[0]) if len(texts) == 1 else minilm().embed(texts)


@lru_cache(maxsize=256)
def _lone(text: str) -> Vectors:
    vectors = minilm().embed([text])
    vectors.flags.writeable = False
    return vectors


def token_counts(texts: Sequence[str]) -> list[int]:
    """Return lengths in tokens as the model sees them, at most 256."""
    return minilm().token_counts(texts)


@lru_cache(maxsize=256)
def familiarity(text: str) -> float:
    """Return how much of a text the model reads as words it knows, 0 to 1: English near 1."""
    return minilm().familiarity(text)


def warm_up() -> None:
    """Load the model now, so that the first question of a process does not wait for it."""
    minilm().embed(["ready"])
