"""The platform sees every workspace's plans and usage, and alters no entry."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import timezone

from billing import services
from billing.models import Plan
from core import tenancy
from core.events import StoredEvent, catalogue
from core.tenancy import TenantContext
from tenants.models import Person

PAGES = ["plan", "subscription", "usageentry"]


@pytest.fixture
def platform(acme: TenantContext, globex: TenantContext) -> Iterator[Client]:
    """A platform administrator's client, with usage in two workspaces."""
    for tenant in (acme, globex):
        with tenancy.tenant_scope(tenant):
            services.subscription_start(plan_code="trial")
            event = catalogue.DocumentIngested(document_id=uuid.uuid4(), chunks=1, bytes=10)
            services.usage_meter(stored=StoredEvent(uuid.uuid4(), tenant.id, event, timezone.now()))
    client = Client(headers={"host": "localhost"})
    person = Person(email="root@example.com", is_staff=True, is_superuser=True)
    person.set_password("correct horse 42")
    with tenancy.platform_scope():
        person.save()
        client.force_login(person)
        yield client


@pytest.mark.parametrize("page", PAGES)
def test_list_opens(platform: Client, page: str) -> None:
    assert platform.get(f"/admin/billing/{page}/").status_code == 200


@pytest.mark.parametrize("page", ["subscription", "usageentry"])
def test_rows_cannot_be_added(platform: Client, page: str) -> None:
    assert platform.get(f"/admin/billing/{page}/add/").status_code == 403


def test_plan_with_invalid_limits_is_refused(platform: Client) -> None:
    with tenancy.platform_scope():
        plan = Plan.objects.get(code="free")
    body = {
        "code": "free",
        "name": "Free",
        "price_minor": 0,
        "currency": "EUR",
        "limits": '{"unicorns": 1}',
        "position": 1,
        "is_offered": "on",
    }
    answer = platform.post(f"/admin/billing/plan/{plan.pk}/change/", body)
    assert answer.status_code == 200
    assert "is not a limit" in answer.content.decode()
