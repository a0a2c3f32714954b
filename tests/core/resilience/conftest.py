"""Redis that can go away, and tasks that carry their tenant into threads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from core.resilience import shared


@pytest.fixture(autouse=True)
def _connected_anew() -> Iterator[None]:
    shared.forget()
    yield
    shared.forget()


@pytest.fixture
def redis_gone(settings: Settings) -> None:
    """Point the guards at a port where nothing listens."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    shared.forget()
