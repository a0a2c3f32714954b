"""Sentence embeddings: `embed(texts)` gives unit vectors, `token_counts(texts)` lengths."""

from __future__ import annotations

from collections.abc import Sequence

from core.embedding.model import DIMENSIONS, MAX_TOKENS, Vectors, minilm

__all__ = ["DIMENSIONS", "MAX_TOKENS", "Vectors", "embed", "token_counts", "warm_up"]


def embed(texts: Sequence[str]) -> Vectors:
    """Return float32 unit vectors of shape (n, 384), truncated at 256 tokens each."""
    return minilm().embed(texts)


def token_counts(texts: Sequence[str]) -> list[int]:
    """Return lengths in tokens as the model sees them, at most 256."""
    return minilm().token_counts(texts)


def warm_up() -> None:
    """Load the model now, so that the first question of a process does not wait for it."""
    minilm().embed(["ready"])
