"""What the web process makes of Host headers, however written, and of many calls at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings

from core import tenancy
from tenants.services import api_key_create
from tests import services
from tests.tenants.served import Answer, Served, web_served

ME = "/api/v1/auth/me"
LIMIT, CALLS = 10, 64


@pytest.fixture(scope="module")
def web(django_db_setup: None, world: Any) -> Iterator[Served]:
    with web_served() as served:
        yield served


@pytest.fixture
def key(world: Any, transactional_db: None) -> Iterator[str]:
    """Make a committed key of acme that may call ten times a minute."""
    with tenancy.tenant_scope(world.tenants["acme"]):
        made = api_key_create(name="raw", scopes=["team:read"], requests_per_minute=LIMIT)
    yield made.secret
    _forget(made.id)


def _forget(key_id: UUID) -> None:
    name = settings.DATABASES["default"]["NAME"]
    with psycopg.connect(services.SUPERUSER, dbname=name, autocommit=True) as server:
        server.execute("DELETE FROM tenants_apikey WHERE id = %s", (key_id,))


def asked(web: Served, key: str, *headers: str, target: str = ME) -> Answer:
    return web.raw(f"GET {target} HTTP/1.1", *headers, f"Authorization: Bearer {key}")


@pytest.mark.parametrize(
    "host",
    [
        "acme.localhost",
        "acme.localhost:8000",
        "acme.localhost:1",
        "acme.localhost.",
        "ACME.LocalHost",
    ],
)
def test_host_is_the_tenants_however_it_is_written(web: Served, key: str, host: str) -> None:
    answer = asked(web, key, f"Host: {host}")
    assert answer.status == 200
    assert '"slug":"acme"' in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        ["Host: nowhere.localhost"],
        ["Host: "],
        [],
        ["Host: acme.localhost:80a"],
        ["Host: acme.localhost/"],
        ["Host: acme.localhost, globex.localhost"],
        ["Host: globex.localhost@acme.localhost"],
        ["Host: acme.localhost globex.localhost"],
        ["Host: acme.localhost.evil.example"],
        ["Host: evil-acme.localhost"],
        ["Host: acme.localhost\x00"],
        ["Host: acm\xe9.localhost"],
        ["Host: globex.localhost", "Host: acme.localhost"],
        ["Host: acme.localhost", "Host: globex.localhost"],
        ["Host: [::ffff:127.0.0.1].acme.localhost"],
    ],
    ids=str,
)
def test_host_that_is_no_workspaces_opens_none(web: Served, key: str, headers: list[str]) -> None:
    answer = asked(web, key, *headers)
    assert answer.status in {400, 404}
    assert "slug" not in answer.text


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-Host: acme.localhost",
        "X_Forwarded_Host: acme.localhost",
        "Forwarded: host=acme.localhost",
        "X-Host: acme.localhost",
        "X-Original-Host: acme.localhost",
    ],
)
def test_no_other_header_names_the_workspace(web: Served, key: str, header: str) -> None:
    answer = asked(web, key, "Host: globex.localhost", header)
    assert answer.status == 401
    assert asked(web, key, "Host: acme.localhost", header.replace("acme", "globex")).status == 200


def test_address_in_full_leaves_the_host_header_to_decide(web: Served, key: str) -> None:
    elsewhere = f"http://acme.localhost{ME}"
    assert asked(web, key, "Host: globex.localhost", target=elsewhere).status == 401
    here = asked(web, key, "Host: acme.localhost", target=f"http://globex.localhost{ME}")
    assert '"slug":"acme"' in here.text


def test_sixty_four_calls_at_once_get_ten_answers(web: Served, key: str) -> None:
    barrier = Barrier(CALLS)

    def call(number: int) -> int:
        barrier.wait()
        forwarded = f"X-Forwarded-For: 203.0.113.{number}"
        return asked(web, key, "Host: acme.localhost", forwarded).status

    with ThreadPoolExecutor(CALLS) as pool:
        statuses = list(pool.map(call, range(CALLS)))
    assert (statuses.count(200), statuses.count(429)) == (LIMIT, CALLS - LIMIT)
