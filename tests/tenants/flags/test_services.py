"""Switching flags: for all, for some, for one workspace, and off at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, transaction

from config.env import BASE_DIR
from core import tenancy
from core.errors import ValidationFailed
from core.tenancy import TenantContext
from tenants import flags
from tenants.errors import FlagNotOpen, FlagUnknown
from tenants.flags import selectors, services
from tenants.models import Flag, FlagChange, FlagOverride
from tests.conftest import World
from tests.tenants.flags.conftest import OWNER, PLATFORM

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme(world: World) -> TenantContext:
    return world.tenants["acme"]


@pytest.fixture
def globex(world: World) -> TenantContext:
    return world.tenants["globex"]


def update(name: str, **changes: Any) -> None:
    services.flag_update(name=name, actor=PLATFORM, **changes)


def test_flag_is_off_until_somebody_switches_it(acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        assert not flags.is_on("closed")
        assert not flags.is_on("never declared")
        assert not flags.is_running("colour")


def test_on_and_off_for_everyone(acme: TenantContext) -> None:
    update("closed", everyone=True)
    with tenancy.tenant_scope(acme):
        assert flags.is_on("closed")
        assert flags.is_on("closed", subject="somebody")
    services.flag_switch_off(name="closed", actor=PLATFORM)
    with tenancy.tenant_scope(acme):
        assert not flags.is_on("closed")


def test_workspace_switches_an_open_flag_for_itself_alone(
    acme: TenantContext, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(acme):
        services.override_set(name="open", is_on=True, actor=OWNER)
        assert flags.is_on("open")
    with tenancy.tenant_scope(globex):
        assert not flags.is_on("open")
    update("open", everyone=True)
    with tenancy.tenant_scope(globex):
        services.override_set(name="open", is_on=False, actor=OWNER)
        assert not flags.is_on("open")
        services.override_set(name="open", is_on=None, actor=OWNER)
        assert flags.is_on("open")


def test_off_for_everyone_beats_what_workspaces_chose(acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        services.override_set(name="open", is_on=True, actor=OWNER)
    services.flag_switch_off(name="open", actor=PLATFORM)
    with tenancy.tenant_scope(acme):
        assert not flags.is_on("open")


def test_workspace_may_not_switch_a_closed_flag(acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        with pytest.raises(FlagNotOpen):
            services.override_set(name="closed", is_on=True, actor=OWNER)
        with pytest.raises(FlagUnknown):
            services.override_set(name="never declared", is_on=True, actor=OWNER)
        assert not FlagOverride.objects.exists()


def test_closing_a_flag_ends_what_workspaces_chose(acme: TenantContext) -> None:
    with tenancy.tenant_scope(acme):
        services.override_set(name="open", is_on=True, actor=OWNER)
    update("open", is_open=False)
    with tenancy.tenant_scope(acme):
        assert not flags.is_on("open")


def test_platform_decides_for_one_workspace_and_only_it_changes_that(
    acme: TenantContext, globex: TenantContext
) -> None:
    services.override_decide(tenant_id=acme.id, name="open", is_on=True, actor=PLATFORM)
    with tenancy.tenant_scope(acme):
        assert flags.is_on("open")
        with pytest.raises(FlagNotOpen):
            services.override_set(name="open", is_on=False, actor=OWNER)
    with tenancy.tenant_scope(globex):
        assert not flags.is_on("open")
    services.override_decide(tenant_id=acme.id, name="open", is_on=None, actor=PLATFORM)
    with tenancy.tenant_scope(acme):
        assert not flags.is_on("open")
        services.override_set(name="open", is_on=True, actor=OWNER)


def test_percentage_divides_subjects_and_keeps_who_is_in(acme: TenantContext) -> None:
    subjects = [f"s{number}" for number in range(400)]
    found = []
    for percent in (10, 40, 100):
        update("closed", percent=percent)
        with tenancy.tenant_scope(acme):
            found.append({s for s in subjects if flags.is_on("closed", subject=s)})
    assert found[0] < found[1] < found[2] == set(subjects)
    assert 100 < len(found[1]) < 220


@pytest.mark.parametrize(
    "changes",
    [
        {"percent": 101},
        {"percent": -1},
        {"variants": {"green": 1}},
        {"variants": {"blue": -1}},
        {"variants": {"blue": "many"}},
        {"variants": {"blue": float("nan")}},
        {"variants": ["blue"]},
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationFailed):
        update("colour", **changes)
    with tenancy.platform_scope():
        assert not FlagChange.objects.exists()


def test_every_change_is_kept_with_who_made_it(acme: TenantContext, globex: TenantContext) -> None:
    update("open", percent=25)
    update("open", percent=25)
    with tenancy.tenant_scope(acme):
        services.override_set(name="open", is_on=True, actor=OWNER)
        mine = selectors.change_list_own().get()
        assert (mine.actor, mine.before, mine.after["is_on"]) == (
            OWNER.label,
            {"is_on": None},
            True,
        )
    with tenancy.tenant_scope(globex):
        assert not selectors.change_list_own().exists()
    with tenancy.platform_scope():
        own = FlagChange.objects.get(tenant=None)
        assert (own.actor, own.before["percent"], own.after["percent"]) == (
            PLATFORM.label,
            None,
            25,
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tenants_flag SET everyone = true",
        "INSERT INTO tenants_flag (name) VALUES ('mine')",
        "DELETE FROM tenants_flagchange",
        "UPDATE tenants_flagchange SET actor = 'nobody'",
    ],
)
def test_database_lets_the_application_neither_switch_nor_forget(
    acme: TenantContext, statement: str
) -> None:
    with (
        tenancy.tenant_scope(acme),
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_rows_for_the_admin_are_made_once() -> None:
    services.flags_ensure()
    services.flags_ensure()
    with tenancy.platform_scope():
        assert set(Flag.objects.values_list("name", flat=True)) >= {"open", "closed", "colour"}
        assert Flag.objects.get(name="open").is_open


def test_switching_off_reaches_another_process_within_a_second(acme: TenantContext) -> None:
    update("widget_unbranded", everyone=True)
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "TEST_DATABASE": settings.DATABASES["default"]["NAME"],
        "WATCHER_REDIS_URL": str(settings.REDIS_URL),
        "PYTHONPATH": str(BASE_DIR),
    }
    command = [sys.executable, "tests/tenants/flags/watcher.py", "acme", "widget_unbranded"]
    with subprocess.Popen(
        command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True
    ) as watcher:
        assert watcher.stdout is not None
        assert watcher.stdout.readline().split() == ["on"]
        switched = time.time()
        services.flag_switch_off(name="widget_unbranded", actor=PLATFORM)
        state, seen = watcher.stdout.readline().split()
        watcher.wait(timeout=10)
    assert state == "off"
    assert float(seen) - switched < 1.0
