"""The settings page, its history, and what the settings do elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import tenancy
from core.tenancy import TenantContext
from tenants.preferences import selectors, services
from tenants.types import Actor

SignIn = Callable[..., Client]
PAGE = "/settings/workspace/"
PROFILE = {"group": "workspace", "name": "Acme", "timezone": "UTC", "language": "", "version": "0"}
OWNER = Actor("owner@acme.example.com", is_owner=True)


def change(group: str = "workspace", **values: Any) -> None:
    services.setting_change(group=group, values=values, actor=OWNER)


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}history/"])
@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("admin", 200), ("agent", 403)])
def test_page_is_for_owners_and_admins(sign_in: SignIn, path: str, role: str, status: int) -> None:
    assert sign_in(role=role).get(path).status_code == status


def test_owner_saves_and_the_next_page_shows_it(sign_in: SignIn) -> None:
    owner = sign_in()
    assert owner.post(f"{PAGE}save/", {**PROFILE, "name": "Acme <Outdoor>"}).status_code == 302
    page = owner.get(PAGE).content.decode()
    assert 'value="Acme &lt;Outdoor&gt;"' in page
    assert "Acme <Outdoor>" not in page


def test_saving_over_somebody_elses_change_is_said_first(
    sign_in: SignIn, in_acme: TenantContext
) -> None:
    change(timezone="Asia/Tokyo")
    owner = sign_in()
    refused = owner.post(f"{PAGE}save/", {**PROFILE, "name": "Mine"})
    assert refused.status_code == 409
    page = refused.content.decode()
    assert "Someone else has changed this meanwhile" in page
    assert 'value="Mine"' in page
    assert 'name="version" value="1"' in page
    assert owner.post(f"{PAGE}save/", {**PROFILE, "version": "1"}).status_code == 302


@pytest.mark.parametrize(
    ("field", "value"), [("name", ""), ("timezone", "Mars/Olympus"), ("version", "x")]
)
def test_what_cannot_be_is_refused_on_the_page(sign_in: SignIn, field: str, value: str) -> None:
    refused = sign_in().post(f"{PAGE}save/", {**PROFILE, field: value})
    assert refused.status_code == 422
    assert selectors_count("acme", sign_in) == 0


def selectors_count(slug: str, sign_in: SignIn) -> int:
    page = sign_in(slug).get(f"{PAGE}history/")
    return len(page.context["changes"])


def test_admin_sees_the_owners_group_closed(sign_in: SignIn) -> None:
    admin = sign_in(role="admin")
    page = admin.get(PAGE).content.decode()
    assert "Only an owner of the workspace may change this." in page
    body = {"group": "access", "session_days": "1", "version": "0"}
    assert admin.post(f"{PAGE}save/", body).status_code == 403


def test_history_tells_and_takes_back(sign_in: SignIn, in_acme: TenantContext) -> None:
    change(timezone="Asia/Tokyo")
    change(timezone="Europe/Paris")
    owner = sign_in()
    page = owner.get(f"{PAGE}history/").content.decode()
    assert "Asia/Tokyo" in page
    assert "owner@acme.example.com" in page
    first = selectors.change_list().get(version=1)
    assert owner.post(f"{PAGE}history/{first.pk}/revert/").status_code == 302
    assert selectors.snapshot_get(group="workspace").values["timezone"] == "UTC"
    assert selectors.change_list().count() == 3


def test_history_says_what_to_do_while_it_is_empty(sign_in: SignIn) -> None:
    assert "Nothing has been changed yet" in sign_in().get(f"{PAGE}history/").content.decode()


def test_history_shows_no_other_workspaces_changes(sign_in: SignIn, globex: TenantContext) -> None:
    with tenancy.tenant_scope(globex):
        change(name="Globex secret")
        foreign = selectors.change_list().get()
    owner = sign_in("acme")
    assert "Globex secret" not in owner.get(f"{PAGE}history/").content.decode()
    assert owner.post(f"{PAGE}history/{foreign.pk}/revert/").status_code == 404


def test_history_takes_as_many_queries_for_three_changes_as_for_one(
    sign_in: SignIn, in_acme: TenantContext
) -> None:
    owner = sign_in()
    counts = []
    for zones in (["Asia/Tokyo"], ["Europe/Paris", "America/Lima"]):
        for zone in zones:
            change(timezone=zone)
        owner.get(f"{PAGE}history/")
        with CaptureQueriesContext(connection) as queries:
            owner.get(f"{PAGE}history/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- what the settings do


def test_pages_show_times_in_the_workspaces_zone_and_language(
    sign_in: SignIn, in_acme: TenantContext
) -> None:
    owner = sign_in()
    change(timezone="Pacific/Kiritimati", language="de")
    found = selectors.change_list().get()
    page = owner.get(f"{PAGE}history/")
    assert page["Content-Language"] == "de"
    local = found.changed_at.astimezone(ZoneInfo("Pacific/Kiritimati"))
    assert f"{local.day}. " in page.content.decode()
    assert sign_in("globex").get(f"{PAGE}history/")["Content-Language"] == "en"


def test_rest_answers_stay_in_utc(sign_in: SignIn, in_acme: TenantContext) -> None:
    change(timezone="Pacific/Kiritimati")
    shown = sign_in().get("/api/v1/settings/workspace").json()
    assert shown["updated_at"].endswith("Z")


def test_owners_may_keep_the_team_to_themselves(sign_in: SignIn, in_acme: TenantContext) -> None:
    body = {"email": "new@acme.example.com", "role": "agent"}
    change("access", admins_add_people=False)
    refused = sign_in(role="admin").post("/settings/team/invite/", body)
    assert refused.status_code == 422
    assert "Only an owner of the workspace may change this." in refused.content.decode()
    assert sign_in(role="owner").post("/settings/team/invite/", body).status_code == 302
    body["email"] = "new@globex.example.com"
    assert sign_in("globex", "admin").post("/settings/team/invite/", body).status_code == 302


def test_session_lasts_as_long_as_the_workspace_says(
    sign_in: SignIn, in_acme: TenantContext
) -> None:
    change("access", session_days=3)
    assert sign_in().session.get_expiry_age() == 3 * 86_400
    assert sign_in("globex").session.get_expiry_age() == 14 * 86_400
