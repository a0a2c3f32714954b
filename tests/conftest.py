"""Fixtures of the whole suite: a migrated database, two tenants, people who can sign in.

Every test has a second tenant (`globex`) beside the first (`acme`). Tests run as the application
role, so row-level security is always in force. Nothing here is mocked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, TestCase, TransactionTestCase

from core import directory, tenancy
from core.tenancy import TenantContext
from tests import services

ROLES = ("owner", "admin", "agent", "viewer")
TENANTS = ("acme", "globex")
SignIn = Callable[..., Client]
Plan = Callable[..., None]


_services = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Start Postgres and Redis once, in the process that starts the workers."""
    if not hasattr(config, "workerinput"):
        _services.enter_context(services.services_running())


def pytest_unconfigure() -> None:
    _services.close()


@dataclass
class World:
    """What every test can count on: the tenants and one person per role in each."""

    tenants: dict[str, TenantContext]
    people: dict[tuple[str, str], Any]


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Keep the database's name: it is cloned, not created by Django."""


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """Clone the migrated template database for this process and create the two tenants."""
    from django.db import connections

    services.database_clone(services.template_ensure(), settings.DATABASES["default"]["NAME"])
    TransactionTestCase.databases = TestCase.databases = {"default", "platform"}
    setattr(TransactionTestCase, "_fixture_teardown", _committed_data_remove)  # noqa: B010 - untyped
    yield
    for connection in connections.all():
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
    services.database_drop(settings.DATABASES["default"]["NAME"])


def _committed_data_remove(_: Any) -> None:
    """Empty what a test committed; Django's own flush needs rights the application has not."""
    from django.core.cache import cache
    from django.db import connections

    for connection in connections.all():
        connection.close()
    services.tables_empty(settings.DATABASES["default"]["NAME"], [f"t_{slug}" for slug in TENANTS])
    with tenancy.public_scope():
        cache.clear()


@pytest.fixture(scope="session")
def world(django_db_setup: None, django_db_blocker: Any) -> World:
    """Create the tenants and their people once, committed."""
    from tenants import services as tenant_services
    from tenants.tokens import signing
    from tenants.types import Role

    people: dict[tuple[str, str], Any] = {}
    tenants: dict[str, TenantContext] = {}
    with django_db_blocker.unblock(), tenancy.public_scope():
        signing.signing_key_ensure()  # committed, so that both roles' connections see it
        for slug in TENANTS:
            tenant = tenant_services.tenant_create(name=slug.title(), slug=slug, is_demo=True)
            tenants[slug] = tenant.context
            for role in ROLES:
                person = tenant_services.person_create(
                    email=f"{role}@{slug}.example.com",
                    password="correct horse 42",
                    is_verified=True,
                )
                with tenancy.tenant_scope(tenant.context):
                    tenant_services.member_add(person=person, role=Role(role))
                people[slug, role] = person
    # No relay runs: what the world's own making published would only grow old.
    services.tables_empty(settings.DATABASES["default"]["NAME"], [])
    return World(tenants=tenants, people=people)


@pytest.fixture(autouse=True)
def _shared_schema() -> Iterator[None]:
    """Begin every test in the shared schema, with nothing remembered of an earlier one's rows."""
    from tenants import freshness
    from tenants.switches import state

    freshness.forget_all()
    state._remember((), float("inf"))
    with tenancy.public_scope():
        yield


@pytest.fixture
def acme(world: World, db: None) -> TenantContext:
    return world.tenants["acme"]


@pytest.fixture
def globex(world: World, db: None) -> TenantContext:
    return world.tenants["globex"]


@pytest.fixture
def in_acme(acme: TenantContext) -> Iterator[TenantContext]:
    """Run the test inside acme."""
    with tenancy.tenant_scope(acme):
        yield acme


@pytest.fixture
def plan(world: World, db: None) -> Iterator[Plan]:
    """Return a function that gives a tenant limits; nothing is used at first, nor limited after."""
    from core.redis import redis_client
    from tenants import services as tenant_services

    for tenant in world.tenants.values():
        for key in redis_client().scan_iter(f"fd:{tenant.id.hex}:quota:*"):
            redis_client().delete(key)

    def give(slug: str = "acme", **limits: int) -> None:
        tenant = world.tenants[slug]
        with tenancy.tenant_scope(tenant):
            tenant_services.tenant_limits_set(tenant_id=tenant.id, limits=limits)

    yield give
    for slug in TENANTS:
        give(slug)
    directory.cache_forget()  # what was rolled back is remembered too


@pytest.fixture
def switches(
    world: World, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """Return the services of the degrade switches, read anew at every question."""
    from core.redis import redis_client
    from tenants.switches import services, state

    monkeypatch.setattr(state, "CACHE_SECONDS", 0.0)
    redis_client().delete(state.KEY)
    state.switches_forget()
    yield services
    redis_client().delete(state.KEY)


@pytest.fixture
def people(world: World) -> dict[tuple[str, str], Any]:
    """Return people by (tenant slug, role)."""
    return world.people


@pytest.fixture
def sign_in(world: World, db: None) -> SignIn:
    """Return a function that gives a client on a tenant's host, signed in with a role."""
    from tenants.preferences import values_for
    from tenants.preferences.groups import WorkspaceProfile

    def signed_in(slug: str = "acme", role: str | None = "owner") -> Client:
        client = Client(headers={"host": f"{slug}.localhost"})
        if role:
            with tenancy.tenant_scope(world.tenants[slug]):
                client.force_login(world.people[slug, role])
                values_for(WorkspaceProfile)  # as in a process that has shown a page before
        return client

    return signed_in


@pytest.fixture
def api_key(world: World, db: None) -> Callable[..., str]:
    """Return a function that creates an API key of a tenant with scopes."""
    from tenants import services as tenant_services

    def create(slug: str = "acme", *scopes: str) -> str:
        with tenancy.tenant_scope(world.tenants[slug]):
            return tenant_services.api_key_create(name="test", scopes=scopes).secret

    return create
