"""Changing settings: versions, history, taking back, and who sees what when."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import ProgrammingError, connection, connections, transaction

from core import tenancy
from core.errors import ValidationFailed
from core.events.models import OutboxEvent
from core.tenancy import TenantContext
from tenants.errors import EditConflict, OwnerRequired, SettingChangeUnknown
from tenants.models import SettingChange, Tenant
from tenants.preferences import selectors, services, values_for
from tenants.preferences.groups import AccessRules, WorkspaceProfile
from tenants.preferences.types import Snapshot
from tenants.types import Actor

OWNER = Actor("owner@acme.example.com", is_owner=True)
ADMIN = Actor("admin@acme.example.com")


def change(version: int | None = None, group: str = "workspace", **values: Any) -> Snapshot:
    return services.setting_change(group=group, values=values, actor=OWNER, version=version)


def test_values_are_the_defaults_until_somebody_changes_them(in_acme: TenantContext) -> None:
    assert values_for(AccessRules) == AccessRules()
    assert values_for(WorkspaceProfile).name == "Acme"
    assert selectors.snapshot_get(group="workspace").version == 0


def test_change_is_read_at_once_and_only_here(in_acme: TenantContext, globex: Any) -> None:
    with tenancy.tenant_scope(globex):
        values_for(WorkspaceProfile)
    values_for(WorkspaceProfile)
    change(timezone="Asia/Tokyo")
    assert values_for(WorkspaceProfile).timezone == "Asia/Tokyo"
    with tenancy.tenant_scope(globex):
        assert values_for(WorkspaceProfile).timezone == "UTC"
        assert list(selectors.change_list()) == []


def test_name_is_stored_where_every_page_reads_it(in_acme: TenantContext) -> None:
    change(name="Acme Outdoor")
    assert Tenant.objects.get(pk=in_acme.id).name == "Acme Outdoor"


def test_history_tells_who_changed_what(in_acme: TenantContext, people: Any) -> None:
    person = people["acme", "owner"]
    actor = Actor(person.email, person.pk, is_owner=True)
    services.setting_change(group="access", values={"session_days": 7}, actor=actor)
    found = selectors.change_list(group="access").get()
    assert (found.version, found.actor, found.changed_by) == (1, person.email, person.pk)
    assert (found.before["session_days"], found.after["session_days"]) == (14, 7)


def test_change_publishes_ids_and_numbers_alone(in_acme: TenantContext) -> None:
    change(name="Secret name")
    event = OutboxEvent.objects.filter(name="settings.changed").get()
    assert event.payload == {"group": "workspace", "to_version": 1, "changed_by": None}


def test_change_of_nothing_adds_no_history(in_acme: TenantContext) -> None:
    first = change(timezone="Asia/Tokyo")
    again = change(timezone="Asia/Tokyo")
    assert (first.version, again.version) == (1, 1)
    assert selectors.change_list().count() == 1


def test_refused_change_leaves_everything(in_acme: TenantContext) -> None:
    with pytest.raises(ValidationFailed):
        change(timezone="Mars/Olympus", name="Half")
    assert values_for(WorkspaceProfile).name == "Acme"
    assert selectors.change_list().count() == 0


def test_change_from_an_old_version_is_a_conflict(in_acme: TenantContext) -> None:
    change(version=0, timezone="Asia/Tokyo")
    with pytest.raises(EditConflict) as conflict:
        change(version=0, timezone="Europe/Paris")
    assert conflict.value.data == {"version": 1}
    assert values_for(WorkspaceProfile).timezone == "Asia/Tokyo"


def test_owners_group_is_closed_to_others(in_acme: TenantContext) -> None:
    with pytest.raises(OwnerRequired):
        services.setting_change(group="access", values={"session_days": 1}, actor=ADMIN)
    services.setting_change(group="workspace", values={"language": "de"}, actor=ADMIN)
    assert values_for(WorkspaceProfile).language == "de"


def test_revert_gives_back_any_earlier_version_and_is_a_change_too(in_acme: TenantContext) -> None:
    for zone in ("Asia/Tokyo", "Europe/Paris", "America/Lima"):
        change(timezone=zone)
    back = services.setting_revert(group="workspace", to_version=1, version=3, actor=OWNER)
    assert (back.version, back.values["timezone"]) == (4, "Asia/Tokyo")
    first = services.setting_revert(group="workspace", to_version=0, version=4, actor=OWNER)
    assert (first.version, first.values["timezone"]) == (5, "UTC")
    with pytest.raises(SettingChangeUnknown):
        services.setting_revert(group="workspace", to_version=9, version=5, actor=OWNER)


def test_revert_takes_the_name_back_too(in_acme: TenantContext) -> None:
    change(name="Wrong")
    services.setting_revert(group="workspace", to_version=0, version=None, actor=OWNER)
    assert Tenant.objects.get(pk=in_acme.id).name == "Acme"


@pytest.mark.parametrize("statement", ["UPDATE {} SET actor = 'x'", "DELETE FROM {}"])
def test_history_cannot_be_altered(in_acme: TenantContext, statement: str) -> None:
    change(timezone="Asia/Tokyo")
    table = SettingChange._meta.db_table
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))


@pytest.mark.django_db(transaction=True)
def test_of_two_changes_from_one_version_the_second_is_a_conflict(world: Any) -> None:
    """Eight people save at once from version 0: one wins, and the history has one line."""
    tenant, together = world.tenants["acme"], threading.Barrier(8)

    def save(zone: str) -> str:
        try:
            with tenancy.tenant_scope(tenant):
                together.wait(timeout=10)
                change(version=0, timezone=zone)
            return zone
        except EditConflict:
            return ""
        finally:
            connections.close_all()

    zones = [
        *("Asia/Tokyo", "Europe/Paris", "America/Lima", "Africa/Cairo"),
        *("Asia/Dubai", "Europe/Rome", "America/Bogota", "Asia/Seoul"),
    ]
    with ThreadPoolExecutor(8) as pool:
        won = [zone for zone in pool.map(save, zones) if zone]
    assert len(won) == 1
    with tenancy.tenant_scope(tenant):
        assert values_for(WorkspaceProfile).timezone == won[0]
        assert selectors.change_list().count() == 1


def test_reading_costs_no_query_once_it_is_known(
    in_acme: TenantContext, django_assert_num_queries: Callable[[int], Any]
) -> None:
    values_for(AccessRules)
    with django_assert_num_queries(0):
        values_for(AccessRules)
