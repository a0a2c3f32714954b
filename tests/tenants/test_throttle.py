"""The brake on repeated attempts."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from core import tenancy
from core.errors import RateLimited
from core.tenancy import TenantContext
from tenants import throttle


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
