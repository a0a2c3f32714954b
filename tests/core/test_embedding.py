"""The embedding is a sentence embedding: unit length, near for near meanings, batch-independent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from core.embedding import DIMENSIONS, MAX_TOKENS, embed, token_counts

TEXTS = [
    "How long do I have to return a jacket?",
    "Unworn clothing can be sent back within 60 days.",
    "Photosynthesis turns light into chemical energy.",
]


def test_embed_returns_unit_vectors_in_order() -> None:
    vectors = embed(TEXTS)

    assert vectors.shape == (3, DIMENSIONS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_embed_puts_similar_meanings_closer() -> None:
    jacket, clothing, plants = embed(TEXTS)

    assert jacket @ clothing > 0.45
    assert jacket @ plants < 0.2


def test_embed_of_a_batch_equals_single_embeddings() -> None:
    texts = [*TEXTS, "short", "a much longer text " * 60]
    singles = np.vstack([embed([text]) for text in texts])

    np.testing.assert_allclose(embed(texts), singles, atol=1e-5)


def test_embed_of_nothing_is_empty() -> None:
    assert embed([]).shape == (0, DIMENSIONS)


def test_embed_gives_the_same_from_many_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: embed(TEXTS), range(16)))

    for vectors in found:
        np.testing.assert_allclose(vectors, found[0], atol=1e-6)


def test_token_counts_are_truncated() -> None:
    short, long = token_counts(["hello", "word " * 1000])

    assert short == 3
    assert long == MAX_TOKENS
