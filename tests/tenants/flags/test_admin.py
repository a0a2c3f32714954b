"""The platform's pages of flags: switch, turn off at once, decide for one workspace, look back."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from core import tenancy
from core.tenancy import TenantContext
from tenants import flags, services
from tenants.models import Flag, FlagChange, FlagOverride

PASSWORD = "correct horse 42"


@pytest.fixture
def admin(db: None, world: Any) -> Client:
    with tenancy.platform_scope():
        services.person_create(
            email="platform@example.com", password=PASSWORD, is_staff=True, is_superuser=True
        )
    client = Client(headers={"host": "localhost"})
    form = {"username": "platform@example.com", "password": PASSWORD}
    assert client.post("/admin/login/", form).status_code == 302
    client.get("/admin/tenants/flag/")  # gives every declared flag its row
    return client


def flag(name: str) -> Flag:
    with tenancy.platform_scope():
        found: Flag = Flag.objects.get(name=name)
    return found


def change(admin: Client, name: str, **form: str) -> Any:
    body = {"everyone": "unknown", "percent": "", "variants": "{}", **form}
    return admin.post(f"/admin/tenants/flag/{flag(name).pk}/change/", body)


def test_every_declared_flag_is_listed(admin: Client) -> None:
    page = admin.get("/admin/tenants/flag/").content.decode()
    assert all(name in page for name in ("closed", "open", "colour", "widget_greeting"))


def test_flag_is_switched_with_its_history(admin: Client) -> None:
    assert change(admin, "closed", percent="12.5", is_open="on").status_code == 302
    row = flag("closed")
    assert (row.everyone, float(row.percent or 0), row.is_open) == (None, 12.5, True)
    with tenancy.platform_scope():
        found = FlagChange.objects.get(flag="closed")
    assert found.actor == "Frontdesk (platform@example.com)"
    assert (found.before["percent"], found.after["percent"]) == (None, 12.5)


@pytest.mark.parametrize(
    "form", [{"percent": "101"}, {"variants": '{"green": 1}'}, {"variants": "{"}]
)
def test_what_cannot_be_is_said_on_the_form(admin: Client, form: dict[str, str]) -> None:
    assert change(admin, "colour", **form).status_code == 200
    with tenancy.platform_scope():
        assert not FlagChange.objects.exists()


def test_flags_are_turned_off_at_once_from_the_list(admin: Client) -> None:
    for name in ("closed", "open", "colour"):
        assert change(admin, name, everyone="true").status_code == 302
    chosen = [str(flag(name).pk) for name in ("closed", "open")]
    body = {"action": "turn_off", "_selected_action": chosen}
    assert admin.post("/admin/tenants/flag/", body).status_code == 302
    states = [flag(name).everyone for name in ("closed", "open", "colour")]
    assert states == [False, False, True]


def test_experiment_shows_what_was_found(admin: Client) -> None:
    page = admin.get(f"/admin/tenants/flag/{flag('colour').pk}/change/").content.decode()
    assert "control: 0 saw it" in page
    assert "Too early to tell" in page


def test_platform_decides_for_one_workspace(
    admin: Client, acme: TenantContext, globex: TenantContext
) -> None:
    body = {"tenant": str(acme.id), "flag": "closed", "is_on": "on"}
    assert admin.post("/admin/tenants/flagoverride/add/", body).status_code == 302
    with tenancy.platform_scope():
        row = FlagOverride.objects.get()
        assert (row.tenant_id, row.is_on, row.is_platforms) == (acme.id, True, True)
    with tenancy.tenant_scope(globex):
        assert not flags.is_on("closed")
    path = f"/admin/tenants/flagoverride/{row.pk}/delete/"
    assert admin.post(path, {"post": "yes"}).status_code == 302
    with tenancy.platform_scope():
        assert not FlagOverride.objects.exists()
        assert FlagChange.objects.filter(tenant_id=acme.id).count() == 2


def test_override_of_no_flag_is_refused(admin: Client, acme: TenantContext) -> None:
    body = {"tenant": str(acme.id), "flag": "nothing", "is_on": "on"}
    answer = admin.post("/admin/tenants/flagoverride/add/", body)
    assert answer.status_code == 200
    with tenancy.platform_scope():
        assert not FlagOverride.objects.exists()
