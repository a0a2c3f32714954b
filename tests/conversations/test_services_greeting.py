"""The greeting experiment: who takes part, what they see, and what is counted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from conversations import services
from core import tenancy
from core.tenancy import TenantContext
from tenants.flags import services as flag_services
from tenants.flags.experiments import experiment_result
from tenants.models import Exposure
from tenants.types import Actor
from tests.conftest import World
from tests.factories.conversations import say

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = "Hello! What are you looking for today?"
OWNER = Actor("owner@acme.example.com", is_owner=True)


@pytest.fixture
def acme(world: World) -> TenantContext:
    return world.tenants["acme"]


@pytest.fixture
def running(acme: TenantContext) -> None:
    """Run the experiment with everybody on the question."""
    weights = {"control": 0, "question": 1}
    flag_services.flag_update(
        name="widget_greeting", actor=Actor("platform"), everyone=True, variants=weights
    )


def start(tenant: TenantContext, **body: str) -> dict[str, Any]:
    with tenancy.tenant_scope(tenant):
        key = services.widget_ensure().key
    client = Client(headers={"host": f"{tenant.slug}.localhost"})
    content = json.dumps({"key": key, **body})
    answer = client.post("/widget/session", content, content_type="application/json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def counted() -> dict[str, tuple[int, int]]:
    found = experiment_result(name="widget_greeting").variants
    return {result.key: (result.arm.subjects, result.arm.reached) for result in found}


def test_new_visitor_is_greeted_with_the_variant_and_counted(
    running: None, acme: TenantContext, world: World
) -> None:
    first, second = start(acme), start(acme)
    assert first["greeting"] == second["greeting"] == QUESTION
    with tenancy.tenant_scope(acme):
        say(first["conversation_id"], "Where is my parcel?")
        say(first["conversation_id"], "Hello?")
        assert counted() == {"control": (0, 0), "question": (2, 1)}
    with tenancy.tenant_scope(world.tenants["globex"]):
        assert counted() == {"control": (0, 0), "question": (0, 0)}


def test_control_sees_the_usual_greeting_and_is_counted(acme: TenantContext) -> None:
    weights = {"control": 1, "question": 0}
    flag_services.flag_update(
        name="widget_greeting", actor=Actor("platform"), everyone=True, variants=weights
    )
    assert "greeting" not in start(acme)
    with tenancy.tenant_scope(acme):
        assert counted()["control"] == (1, 0)


def test_nobody_takes_part_while_it_is_off(acme: TenantContext) -> None:
    session = start(acme)
    assert "greeting" not in session
    with tenancy.tenant_scope(acme):
        say(session["conversation_id"], "Hello")
        assert not Exposure.objects.exists()


def test_greeting_of_the_workspaces_own_is_left_alone(running: None, acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        changes = {"greeting": "Ahoy!"}
        services.widget_ensure()
        services.widget_look_change(changes=changes, actor=OWNER)
    assert "greeting" not in start(acme)
    with tenancy.tenant_scope(acme):
        assert not Exposure.objects.exists()


def test_visitor_who_has_written_is_not_new(running: None, acme: TenantContext) -> None:
    session = start(acme)
    with tenancy.tenant_scope(acme):
        say(session["conversation_id"], "Hello")
    again = start(acme, visitor_token=session["visitor_token"])
    assert "greeting" not in again


def test_unbranded_panel_leaves_our_name_out(acme: TenantContext, world: World) -> None:
    def panel(slug: str) -> str:
        tenant = world.tenants[slug]
        with tenancy.tenant_scope(tenant):
            key = services.widget_ensure().key
        client = Client(headers={"host": f"{slug}.localhost"})
        return client.get("/widget/panel/", {"key": key}).content.decode()

    assert "Powered by Frontdesk" in panel("acme")
    with tenancy.tenant_scope(acme):
        flag_services.override_set(name="widget_unbranded", is_on=True, actor=OWNER)
    assert "Powered by Frontdesk" not in panel("acme")
    assert "Powered by Frontdesk" in panel("globex")


def test_visitor_is_remembered_as_long_as_the_workspace_says(acme: TenantContext) -> None:
    import time_machine

    from conversations.errors import VisitorTokenInvalid
    from tenants.preferences.services import setting_change

    token = start(acme)["visitor_token"]
    with tenancy.tenant_scope(acme):
        setting_change(group="visitors", values={"remembered_days": 2}, actor=OWNER)
        from datetime import timedelta

        from django.utils import timezone

        with time_machine.travel(timezone.now() + timedelta(days=1), tick=True):
            services.visitor_authenticate(visitor_token=token)
        with (
            time_machine.travel(timezone.now() + timedelta(days=3), tick=True),
            pytest.raises(VisitorTokenInvalid),
        ):
            services.visitor_authenticate(visitor_token=token)
