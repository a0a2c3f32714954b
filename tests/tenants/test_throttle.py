"""The brake on repeated attempts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from uuid import uuid4

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from core import tenancy
from core.errors import RateLimited, ServiceUnavailable
from core.redis import redis_client
from core.tenancy import TenantContext
from tenants import throttle
from tenants.admission.local import local_forget


def attempt(subject: str) -> None:
    throttle.attempt_count(kind="test", subject=subject, limit=3, seconds=60)


def test_attempts_beyond_the_limit_are_refused_with_a_time(in_acme: TenantContext) -> None:
    subject = str(uuid4())
    for _ in range(3):
        attempt(subject)
    with pytest.raises(RateLimited) as refusal:
        attempt(subject)
    assert 0 < refusal.value.data["retry_after"] <= 60


def test_attempts_forgotten_count_anew(in_acme: TenantContext) -> None:
    subject = str(uuid4())
    for _ in range(3):
        attempt(subject)
    throttle.attempts_forget(kind="test", subject=subject)
    attempt(subject)


def test_attempts_are_counted_per_workspace(acme: TenantContext, globex: TenantContext) -> None:
    subject = str(uuid4())
    with tenancy.tenant_scope(acme):
        for _ in range(3):
            attempt(subject)
    with tenancy.tenant_scope(globex):
        attempt(subject)
    attempt(subject)


def test_attempts_come_back_one_by_one(in_acme: TenantContext) -> None:
    subject = str(uuid4())
    for _ in range(2):
        throttle.attempt_count(kind="test", subject=subject, limit=2, seconds=1)
    with pytest.raises(RateLimited):
        throttle.attempt_count(kind="test", subject=subject, limit=2, seconds=1)
    time.sleep(0.6)
    throttle.attempt_count(kind="test", subject=subject, limit=2, seconds=1)


def test_parallel_attempts_are_counted_exactly(in_acme: TenantContext) -> None:
    subject = str(uuid4())

    def attempt(_: int) -> bool:
        try:
            throttle.attempt_count(kind="test", subject=subject, limit=10, seconds=3600)
        except RateLimited:
            return False
        return True

    contexts = [copy_context() for _ in range(64)]
    with ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(lambda context: context.run(attempt, 0), contexts)) == 10


@pytest.fixture
def redis_gone(settings: Settings) -> Iterator[None]:
    """Point the process at a port where nothing listens."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.cache_clear()
    yield
    redis_client.cache_clear()
    local_forget()


def test_passwords_are_not_tried_uncounted(redis_gone: None, in_acme: TenantContext) -> None:
    with pytest.raises(ServiceUnavailable) as refusal:
        attempt("somebody")
    assert refusal.value.data["retry_after"] > 0


def test_sign_in_says_that_it_is_not_possible_now(
    redis_gone: None, acme: TenantContext, globex: TenantContext
) -> None:
    form = {"email": "owner@acme.example.com", "password": "correct horse 42"}
    page = Client(headers={"host": "acme.localhost"}).post("/login/", form)
    assert page.status_code == 422
    assert "not possible at the moment" in page.content.decode()


def test_visitors_are_let_in_within_a_local_limit(redis_gone: None, in_acme: TenantContext) -> None:
    count = partial(
        throttle.attempt_count, kind="t", subject="s", limit=2, seconds=60, fails_closed=False
    )
    count()
    count()
    with pytest.raises(RateLimited):
        count()


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        (3, "203.0.113.9", "127.0.0.1"),
    ],
)
def test_client_address_believes_only_our_own_proxies(
    settings: Settings, proxies: int, forwarded: str, address: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded})
    assert throttle.client_address(request) == address
