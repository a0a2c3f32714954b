"""Fixtures of the event tests."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.events import catalogue, registry
from tests.core.relaying import SUBSCRIBER, Recorder


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Return a subscriber of deleted documents."""
    found = Recorder()
    registry._subscribers[SUBSCRIBER] = registry.Subscriber(
        SUBSCRIBER, found, (catalogue.DocumentDeleted,), is_urgent=False
    )
    yield found
    del registry._subscribers[SUBSCRIBER]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor
