"""The sidebar: who sees which entry, and which one is marked."""

from __future__ import annotations

import pytest

from core.navigation import Navigation, NavItem

ITEMS = [
    NavItem("home", "Today", "tenants:home", "home", order=0),
    NavItem("team", "Team", "tenants:settings_team", "users", "team:read", order=20),
    NavItem("settings", "Settings", "tenants:settings", "settings", "settings:read", order=10),
]


@pytest.fixture
def navigation() -> Navigation:
    filled = Navigation()
    for item in ITEMS:
        filled.register(item)
    return filled


def keys(navigation: Navigation, *scopes: str) -> list[str]:
    return [link.key for link in navigation.links_for(scopes=scopes, path="/", urlconf=None)]


def test_links_come_in_order_and_only_with_their_scope(navigation: Navigation) -> None:
    assert keys(navigation) == ["home"]
    assert keys(navigation, "team:read", "settings:read") == ["home", "settings", "team"]


def test_register_again_replaces(navigation: Navigation) -> None:
    navigation.register(NavItem("home", "Start", "tenants:home", "home"))
    assert [item.label for item in navigation.items()] == ["Settings", "Team", "Start"]


@pytest.mark.parametrize(
    ("path", "current"),
    [
        ("/", ["home"]),
        ("/settings/", ["settings"]),
        ("/settings/keys/", ["settings"]),
        ("/settings/team/", ["team"]),
        ("/inbox/", []),
    ],
)
def test_current_link_is_the_longest_that_contains_the_path(
    navigation: Navigation, path: str, current: list[str]
) -> None:
    links = navigation.links_for(scopes=["team:read", "settings:read"], path=path, urlconf=None)
    assert [link.key for link in links if link.is_current] == current
