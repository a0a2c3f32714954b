"""The brake on repeated attempts."""

from __future__ import annotations

from uuid import uuid4

import pytest

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
