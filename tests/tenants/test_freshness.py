"""What a process remembers, and that a change in another one ends it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import transaction

from core.redis import redis_client
from core.tenancy import TenantContext
from tenants import freshness

MARK = "fd:platform:test"


class Source:
    """Counts how often it was asked."""

    def __init__(self) -> None:
        self.value = "old"
        self.loads = 0

    def load(self) -> str:
        self.loads += 1
        return self.value

    def read(self) -> str:
        return freshness.remembered("thing", marks=(MARK,), load=self.load)


@pytest.fixture
def source() -> Iterator[Source]:
    redis_client().delete(MARK)
    freshness.marks_client.cache_clear()
    yield Source()
    freshness.marks_client.cache_clear()
    freshness.forget_all()


def test_value_is_loaded_once(source: Source, acme: TenantContext) -> None:
    assert {source.read() for _ in range(50)} == {"old"}
    assert source.loads == 1


def test_change_elsewhere_is_seen_at_the_next_check(source: Source, acme: TenantContext) -> None:
    source.read()
    source.value = "new"
    redis_client().set(MARK, secrets.token_hex(8))  # as another process does after its commit
    time.sleep(freshness.CHECK_SECONDS + 0.01)
    assert source.read() == "new"


def test_unchanged_mark_keeps_the_value(source: Source, acme: TenantContext) -> None:
    source.read()
    time.sleep(freshness.CHECK_SECONDS + 0.01)
    source.read()
    assert source.loads == 1


def test_value_without_a_mark_is_loaded_again_after_a_while(
    source: Source, acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "KEEP_SECONDS", 0.3)
    source.read()
    source.value = "new"
    time.sleep(0.31)
    assert source.read() == "new"


def test_writer_reads_its_own_change_and_a_rollback_leaves_nothing(
    source: Source, acme: TenantContext
) -> None:
    source.read()
    try:
        with transaction.atomic():
            source.value = "never committed"
            freshness.changed(MARK)
            assert source.read() == "never committed"
            raise RuntimeError
    except RuntimeError:
        source.value = "old"
    assert source.read() == "old"
    assert redis_client().get(MARK) is None


@pytest.mark.django_db(transaction=True)
def test_commit_replaces_the_mark(source: Source) -> None:
    with transaction.atomic():
        freshness.changed(MARK)
        assert redis_client().get(MARK) is None
    first = redis_client().get(MARK)
    with transaction.atomic():
        freshness.changed(MARK)
    assert first
    assert redis_client().get(MARK) not in {None, first}


def test_without_redis_values_are_loaded_again_each_second(
    source: Source, acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_listens = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(settings, "REDIS_URL", nothing_listens)
    freshness.marks_client.cache_clear()
    monkeypatch.setattr(freshness, "_redis_away_until", 0.0)
    source.read()
    source.value = "new"
    assert source.read() == "old"
    time.sleep(freshness.UNCHECKED_SECONDS + 0.01)
    assert source.read() == "new"
