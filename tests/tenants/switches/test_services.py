"""Switches: on for a while, for all or one workspace, ending by themselves, with a history."""

from __future__ import annotations

import time
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from core import tenancy
from core.observability.metrics import degrade_switches_on
from core.redis import redis_client
from core.tenancy import TenantContext
from tenants import services as tenants
from tenants.errors import SwitchInvalid
from tenants.switches import state
from tenants.switches.models import DegradeSwitch
from tenants.switches.types import Switch, SwitchSource

pytestmark = pytest.mark.django_db(transaction=True)
UPLOADS = Switch.UPLOADS_OFF


def on(switches: Any, seconds: float = 60, name: Switch = UPLOADS, **fields: Any) -> DegradeSwitch:
    found: DegradeSwitch = switches.switch_turn_on(
        name=name, lasting=timedelta(seconds=seconds), reason="test", **fields
    )
    return found


def is_on(tenant: TenantContext, name: Switch = UPLOADS) -> bool:
    with tenancy.tenant_scope(tenant):
        return state.switch_is_on(name)


def test_switch_is_on_for_all_until_it_is_turned_off(
    switches: Any, acme: TenantContext, globex: TenantContext
) -> None:
    assert not is_on(acme)
    on(switches)
    assert is_on(acme)
    assert is_on(globex)
    assert not is_on(acme, Switch.ANALYTICS_OFF)
    assert switches.switch_turn_off(name=UPLOADS) == 1
    assert switches.switch_turn_off(name=UPLOADS) == 0
    assert not is_on(acme)


def test_switch_of_one_workspace_leaves_the_other_alone(
    switches: Any, acme: TenantContext, globex: TenantContext
) -> None:
    on(switches, tenant_id=acme.id)
    assert (is_on(acme), is_on(globex)) == (True, False)


def test_switch_ends_by_itself(switches: Any, acme: TenantContext) -> None:
    row = on(switches, seconds=0.5)
    assert is_on(acme)
    time.sleep(0.6)
    assert not is_on(acme)
    switches.switches_refresh()
    (kept,) = switches.switch_list()
    assert kept.ended_at == row.expires_at


def test_switch_turned_on_again_lasts_longer_in_its_row(switches: Any, acme: TenantContext) -> None:
    first = on(switches, seconds=60)
    again = on(switches, seconds=600)
    assert (again.pk, again.expires_at > first.expires_at) == (first.pk, True)
    assert len(switches.switch_list()) == 1


def test_automatic_recovery_leaves_the_operators_switch(switches: Any, acme: TenantContext) -> None:
    on(switches)
    on(switches, source=SwitchSource.AUTOMATIC)
    switches.switch_turn_off(name=UPLOADS, source=SwitchSource.AUTOMATIC)
    assert is_on(acme)
    switches.switch_turn_off(name=UPLOADS)
    assert not is_on(acme)


def test_switch_holds_without_redis_and_after_redis_forgot(
    switches: Any, acme: TenantContext, settings: Settings
) -> None:
    on(switches)
    redis_client().flushdb()
    assert is_on(acme)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.cache_clear()
    try:
        assert is_on(acme)
        switches.switch_turn_off(name=UPLOADS)
        assert not is_on(acme)
    finally:
        redis_client.cache_clear()


@pytest.mark.parametrize(
    ("lasting", "reason"),
    [(timedelta(), "x"), (timedelta(days=8), "x"), (timedelta(minutes=1), "  ")],
)
def test_switch_needs_a_time_and_a_reason(
    switches: Any, acme: TenantContext, lasting: timedelta, reason: str
) -> None:
    with pytest.raises(SwitchInvalid):
        switches.switch_turn_on(name=UPLOADS, lasting=lasting, reason=reason)
    assert switches.switch_list() == []


def test_application_role_cannot_switch(switches: Any, acme: TenantContext) -> None:
    with (
        tenancy.tenant_scope(acme),
        pytest.raises(ProgrammingError),
        transaction.atomic(),
    ):
        DegradeSwitch.objects.create(
            name=UPLOADS.value, tenant_id=acme.id, reason="x", expires_at=timezone.now()
        )


def test_metric_and_readyz_say_what_is_on(switches: Any, acme: TenantContext) -> None:
    on(switches)
    gauge = degrade_switches_on.labels(switch="uploads_off")
    assert gauge._value.get() == 1
    report = Client().get("/readyz?checks=switches").json()
    assert report["checks"]["switches"]["detail"] == "uploads_off for all"
    assert report["checks"]["switches"]["ok"]
    switches.switch_turn_off(name=UPLOADS)
    assert gauge._value.get() == 0


def command(*words: str) -> str:
    out = StringIO()
    call_command("degrade", *words, stdout=out)
    return out.getvalue()


def test_operator_switches_on_lists_and_off(
    switches: Any, acme: TenantContext, globex: TenantContext
) -> None:
    said = command("on", "uploads_off", "--for", "30m", "--reason", "disk", "--tenant", "acme")
    assert said.startswith("On until")
    assert (is_on(acme), is_on(globex)) == (True, False)
    assert f"{acme.id} operator" in command("list")
    assert "disk" in command("list")
    assert command("off", "uploads_off") == "It was not on.\n"
    assert command("off", "uploads_off", "--tenant", "acme") == "Off.\n"
    assert not is_on(acme)


@pytest.mark.parametrize(
    "words",
    [
        ("on",),
        ("on", "uploads_off"),
        ("on", "uploads_off", "--reason", "x", "--for", "soon"),
        ("on", "uploads_off", "--reason", "x", "--for", "30d"),
        ("on", "uploads_off", "--reason", "x", "--tenant", "nobody"),
        ("on", "unicorns_off", "--reason", "x"),
    ],
)
def test_operators_mistakes_are_named_and_switch_nothing(
    switches: Any, acme: TenantContext, words: tuple[str, ...]
) -> None:
    with pytest.raises(CommandError):
        command(*words)
    assert switches.switch_list() == []


def test_admin_switches_on_and_off_and_shows_the_history(
    switches: Any, acme: TenantContext, globex: TenantContext
) -> None:
    with tenancy.platform_scope():
        tenants.person_create(
            email="root@example.com", password="correct horse 42", is_staff=True, is_superuser=True
        )
    client = Client(headers={"host": "localhost"})
    form = {"username": "root@example.com", "password": "correct horse 42"}
    assert client.post("/admin/login/", form).status_code == 302
    path = "/admin/tenants/degradeswitch/"
    until = timezone.now() + timedelta(hours=1)
    added = client.post(
        f"{path}add/",
        {
            "name": "uploads_off",
            "workspace": str(acme.id),
            "expires_at_0": f"{until:%Y-%m-%d}",
            "expires_at_1": f"{until:%H:%M:%S}",
            "reason": "disk is full",
        },
    )
    assert added.status_code == 302, added.content.decode()[-3000:]
    assert (is_on(acme), is_on(globex)) == (True, False)
    page = client.get(path).content.decode()
    assert "disk is full" in page
    assert ">acme<" in page
    (row,) = switches.switch_list()
    assert row.started_by is not None
    client.post(path, {"action": "turn_off", "_selected_action": [row.pk]})
    assert not is_on(acme)
