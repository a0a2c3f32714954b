"""`/api/v1/settings`: groups, versions, history, taking back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from core import tenancy
from core.tenancy import TenantContext
from tenants.preferences import selectors

SignIn = Callable[..., Client]
GROUP = "/api/v1/settings/workspace"


@pytest.fixture
def owner(sign_in: SignIn) -> Client:
    return sign_in("acme", "owner")


def patch(client: Client, version: int, path: str = GROUP, **values: Any) -> Any:
    body = {"version": version, "values": values}
    return client.patch(path, body, content_type="application/json")


def test_groups_are_listed_with_their_schema(owner: Client) -> None:
    groups = {found["group"]: found for found in owner.get("/api/v1/settings").json()}
    assert groups.keys() == {
        *("workspace", "access"),
        *("widget", "widget_visitors", "visitors"),
        *("assignment", "hours"),
    }
    assert groups["access"]["owners_only"]
    assert groups["access"]["schema"]["properties"]["session_days"]["maximum"] == 90


def test_group_is_shown_and_changed_from_its_version(owner: Client) -> None:
    shown = owner.get(GROUP).json()
    assert (shown["version"], shown["updated_at"]) == (0, None)
    changed = patch(owner, 0, timezone="Asia/Tokyo").json()
    assert (changed["version"], changed["values"]["timezone"]) == (1, "Asia/Tokyo")
    assert owner.get(GROUP).json() == changed


def test_old_version_is_refused_with_the_one_it_has_now(owner: Client) -> None:
    patch(owner, 0, timezone="Asia/Tokyo")
    refused = patch(owner, 0, timezone="Europe/Paris")
    assert refused.status_code == 409
    assert (refused.json()["code"], refused.json()["version"]) == ("edit_conflict", 1)


def test_faults_point_at_their_values(owner: Client) -> None:
    refused = patch(owner, 0, timezone="Mars/Olympus", surprise=1)
    assert refused.status_code == 400
    pointers = {fault["pointer"] for fault in refused.json()["errors"]}
    assert pointers == {"/values/timezone", "/values/surprise"}


def test_unknown_group_is_not_found(owner: Client) -> None:
    for answer in (
        owner.get("/api/v1/settings/nothing"),
        owner.get("/api/v1/settings/nothing/history"),
        patch(owner, 0, path="/api/v1/settings/nothing"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "setting_group_unknown")


def test_history_pages_and_is_taken_back(owner: Client, globex: TenantContext) -> None:
    for version, zone in enumerate(("Asia/Tokyo", "Europe/Paris", "America/Lima")):
        assert patch(owner, version, timezone=zone).status_code == 200
    page = owner.get(f"{GROUP}/history", {"page_size": 2}).json()
    assert [found["version"] for found in page["results"]] == [3, 2]
    assert page["results"][0]["actor"] == "owner@acme.example.com"
    body = {"version": 3, "to_version": 1}
    back = owner.post(f"{GROUP}/revert", body, content_type="application/json").json()
    assert (back["version"], back["values"]["timezone"]) == (4, "Asia/Tokyo")
    with tenancy.tenant_scope(globex):
        assert selectors.change_list().count() == 0


def test_key_is_named_in_the_history_and_is_no_owner(api_key: Callable[..., str]) -> None:
    secret = api_key("acme", "settings:read", "settings:write")
    headers = {"host": "acme.localhost", "authorization": f"Bearer {secret}"}
    client = Client(headers=headers)
    assert patch(client, 0, timezone="Asia/Tokyo").status_code == 200
    found = client.get(f"{GROUP}/history").json()["results"][0]
    assert (found["actor"], found["changed_by"]) == ("API key test", None)
    refused = patch(client, 0, path="/api/v1/settings/access", session_days=1)
    assert (refused.status_code, refused.json()["code"]) == (403, "owner_required")


def test_admin_may_not_open_the_team_to_themselves(sign_in: SignIn) -> None:
    refused = patch(sign_in("acme", "admin"), 0, path="/api/v1/settings/access", session_days=1)
    assert refused.json()["code"] == "owner_required"


def test_widget_is_the_same_by_both_ways(owner: Client) -> None:
    widget = "/api/v1/settings/widget"
    changed = patch(owner, 0, path=widget, title="Shop", allowed_origins=["https://A.Example/"])
    assert changed.json()["values"]["allowed_origins"] == ["https://a.example"]
    assert owner.get("/api/v1/widget").json()["title"] == "Shop"
    owner.patch("/api/v1/widget", {"title": "Store"}, content_type="application/json")
    assert owner.get(widget).json()["values"]["title"] == "Store"
    history = owner.get(f"{widget}/history").json()["results"]
    assert [(found["version"], found["after"]["title"]) for found in history] == [
        (2, "Store"),
        (1, "Shop"),
    ]


@pytest.mark.parametrize("origin", ["null", "*", "https://a.example/path", "ftp://a.example"])
def test_widget_settings_refuse_what_is_no_origin(owner: Client, origin: str) -> None:
    refused = patch(owner, 0, path="/api/v1/settings/widget", allowed_origins=[origin])
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/values/allowed_origins"
