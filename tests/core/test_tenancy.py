"""The tenant follows the context, never the connection."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections, connection, transaction

from core import tenancy
from core.tenancy import TenantContext


def read_session() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema(), current_setting('app.tenant_id')")
        row = cursor.fetchone()
        assert row is not None
        return row[0], row[1]


def test_cursor_outside_every_scope_raises(db: None) -> None:
    errors: list[Exception] = []

    def work() -> None:
        try:
            read_session()
        except tenancy.TenantContextMissing as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(errors) == 1


def test_session_follows_nested_scopes(acme: TenantContext, globex: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        assert read_session() == (acme.schema, str(acme.id))
        with tenancy.tenant_scope(globex):
            assert read_session() == (globex.schema, str(globex.id))
        assert read_session() == (acme.schema, str(acme.id))
    assert read_session() == ("public", "")


def test_rolled_back_setting_is_made_again(acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme), transaction.atomic():
        read_session()
        transaction.set_rollback(True)
    with tenancy.tenant_scope(acme):
        assert read_session() == (acme.schema, str(acme.id))


def test_unknown_schema_finds_no_table(db: None) -> None:
    ghost = TenantContext(id=UUID(int=7), schema="t_ghost", slug="ghost")
    with tenancy.tenant_scope(ghost), transaction.atomic(), connection.cursor() as cursor:
        with pytest.raises(DatabaseError):
            cursor.execute("SELECT count(*) FROM workflows_run")
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
async def test_async_hops_of_two_tenants_never_cross(world: object) -> None:
    tenants = list(world.tenants.values())  # type: ignore[attr-defined]

    async def consumer(number: int) -> int:
        tenant, crossed = tenants[number % 2], 0
        with tenancy.tenant_scope(tenant):
            for _ in range(12):
                await asyncio.sleep(0)
                schema, tenant_id = await sync_to_async(read_session, thread_sensitive=False)()
                crossed += (schema, tenant_id) != (tenant.schema, str(tenant.id))
        return crossed

    assert sum(await asyncio.gather(*(consumer(number) for number in range(10)))) == 0


@pytest.mark.django_db(transaction=True)
def test_threads_of_two_tenants_never_cross(world: object) -> None:
    tenants = list(world.tenants.values())  # type: ignore[attr-defined]

    def work(number: int) -> bool:
        tenant = tenants[number % 2]
        try:
            with tenancy.tenant_scope(tenant):
                return read_session() == (tenant.schema, str(tenant.id))
        finally:
            close_old_connections()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(200)))


def test_tenant_key_carries_the_tenant(acme: TenantContext, globex: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        mine = tenancy.tenant_key("lock", "x")
    with tenancy.tenant_scope(globex):
        assert tenancy.tenant_key("lock", "x") != mine
    with pytest.raises(tenancy.TenantContextMissing):
        tenancy.tenant_key("lock", "x")
