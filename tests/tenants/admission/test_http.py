"""The rate limit as a client of the REST API meets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from core.errors import RateLimited, ServiceUnavailable
from core.redis import redis_client
from core.tenancy import TenantContext
from tenants.admission.http import AdmissionThrottle
from tenants.admission.local import local_forget

ApiKey = Callable[..., str]


@pytest.fixture
def small_limits(settings: Settings) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "read": 3}


def call(slug: str, secret: str, **headers: str) -> Any:
    client = Client(headers={"host": f"{slug}.localhost"})
    return client.get("/api/v1/documents", headers={"Authorization": f"Bearer {secret}", **headers})


def test_answers_say_the_limit_and_what_is_left(small_limits: None, api_key: ApiKey) -> None:
    answer = call("acme", api_key("acme", "knowledge:read"))
    assert answer.status_code == 200
    assert answer["RateLimit-Policy"] == '"read";q=3;w=60'
    assert answer["RateLimit"] == '"read";r=2;t=20'


def test_calls_beyond_the_limit_are_refused_per_key_and_workspace(
    small_limits: None, api_key: ApiKey
) -> None:
    secret, other = api_key("acme", "knowledge:read"), api_key("globex", "knowledge:read")
    codes = [call("acme", secret).status_code for _ in range(3)]
    refusal = call("acme", secret)
    assert codes == [200, 200, 200]
    assert refusal.status_code == 429
    assert refusal["Content-Type"] == "application/problem+json"
    assert refusal.json()["code"] == "rate_limited"
    assert 0 < int(refusal["Retry-After"]) <= 20
    assert refusal["RateLimit"].startswith('"read";r=0;')
    assert call("globex", other).status_code == 200


def test_rotating_forwarded_addresses_do_not_help(small_limits: None, api_key: ApiKey) -> None:
    secret = api_key("acme", "knowledge:read")
    answers = [call("acme", secret, **{"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(10)]
    assert [answer.status_code for answer in answers].count(200) == 3


@pytest.mark.parametrize(
    ("proxies", "forwarded", "let_through"),
    [
        (0, "203.0.113.{n}", 3),
        (0, "203.0.113.{n}, 198.51.100.7", 3),
        (1, "203.0.113.{n}, 198.51.100.7", 3),
        (1, "203.0.113.{n}, 10.0.0.{n}, 198.51.100.7", 3),
        (2, "203.0.113.{n}, 198.51.100.7, 10.0.0.1", 3),
        (2, "203.0.113.{n}", 3),
        (1, "203.0.113.{n}", 8),
    ],
)
def test_stranger_is_counted_by_what_our_proxies_saw(
    acme: TenantContext, settings: Settings, proxies: int, forwarded: str, let_through: int
) -> None:
    """The last line is eight clients of one trusted proxy; in all others one client lies."""
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "auth": 3, "write": 3}
    settings.TRUSTED_PROXY_COUNT = proxies
    redis_client().flushdb()
    client = Client(headers={"host": "acme.localhost"})
    answers = [
        client.post(
            "/api/v1/auth/token/refresh",
            "{",
            content_type="application/json",
            headers={"X-Forwarded-For": forwarded.format(n=number)},
        )
        for number in range(8)
    ]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [400] * let_through + [429] * (8 - let_through)


@pytest.fixture
def redis_gone(settings: Settings) -> Iterator[None]:
    """Point the process at a port where nothing listens."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.cache_clear()
    yield
    redis_client.cache_clear()
    local_forget()


class ChatLike:
    route_classes = {"POST": "chat"}


class UploadLike:
    route_classes = {"POST": "upload"}


def test_uploads_are_refused_without_redis(redis_gone: None, in_acme: TenantContext) -> None:
    with pytest.raises(ServiceUnavailable) as refusal:
        AdmissionThrottle().allow_request(Request(APIRequestFactory().post("/")), UploadLike())
    assert refusal.value.http_status == 503


def test_chat_goes_on_without_redis_within_a_local_limit(
    redis_gone: None, settings: Settings, in_acme: TenantContext
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "chat": 2}
    request = Request(APIRequestFactory().post("/"))
    assert AdmissionThrottle().allow_request(request, ChatLike())
    assert AdmissionThrottle().allow_request(request, ChatLike())
    with pytest.raises(RateLimited) as refusal:
        AdmissionThrottle().allow_request(request, ChatLike())
    assert refusal.value.data["retry_after"] > 0
