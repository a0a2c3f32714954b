"""A task always knows its tenant, and leaves no trace of it."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from celery import current_app

from core import tenancy
from core.tasks import TENANT_HEADER, UnknownTenant, platform_task, task
from core.tenancy import TenantContext

seen: list[str] = []


@task("tests.remember", queue="runs")
def remember() -> str:
    slug = tenancy.require().slug
    seen.append(slug)
    return slug


@platform_task("tests.sweep", queue="runs")
def sweep() -> bool:
    return tenancy.current() is None


def test_task_runs_in_the_senders_tenant(in_acme: TenantContext) -> None:
    assert remember.apply_async().get() == "acme"
    assert tenancy.require() == in_acme


def test_task_without_a_tenant_cannot_be_sent(db: None) -> None:
    with pytest.raises(tenancy.TenantContextMissing):
        remember.apply_async()


def test_task_without_a_header_is_refused(db: None) -> None:
    with pytest.raises(tenancy.TenantContextMissing):
        remember.apply(throw=True)


def test_task_of_an_unknown_tenant_is_refused(db: None) -> None:
    with pytest.raises(UnknownTenant):
        remember.apply(headers={TENANT_HEADER: str(uuid.uuid4())}, throw=True)


def test_platform_task_runs_without_a_tenant(in_acme: TenantContext) -> None:
    assert sweep.apply_async().get() is True


@pytest.mark.django_db(transaction=True)
def test_tasks_of_two_tenants_in_threads_never_cross(
    acme: TenantContext, globex: TenantContext
) -> None:
    def run(number: int) -> bool:
        tenant = (acme, globex)[number % 2]
        headers = {TENANT_HEADER: str(tenant.id)}
        got: str = current_app.tasks["tests.remember"].apply(headers=headers, throw=True).get()
        return got == tenant.slug and tenancy.scope_or_none() is None

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(100)))
