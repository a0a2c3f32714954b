"""The one navigation of the staff pages, filled by each app in `AppConfig.ready()`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class NavItem:
    """An entry of the sidebar: where it leads and which scope lets a person see it."""

    key: str
    label: str | Promise
    url_name: str
    icon: str
    scope: str = ""
    order: int = 100


@dataclass(frozen=True, slots=True)
class NavLink:
    """An entry resolved for one request."""

    key: str
    label: str | Promise
    url: str
    icon: str
    is_current: bool


class Navigation:
    """A registry by key, so registering an item again replaces it."""

    def __init__(self) -> None:
        self._items: dict[str, NavItem] = {}

    def register(self, item: NavItem) -> None:
        """Add or replace an entry."""
        self._items[item.key] = item

    def items(self) -> list[NavItem]:
        """Return all entries in their order on the page."""
        return sorted(self._items.values(), key=lambda item: (item.order, item.key))

    def links_for(self, *, scopes: Iterable[str], path: str, urlconf: str | None) -> list[NavLink]:
        """Return the entries these scopes may see, the one that contains `path` marked."""
        held = frozenset(scopes)
        allowed = [item for item in self.items() if not item.scope or item.scope in held]
        urls = {item.key: reverse(item.url_name, urlconf=urlconf) for item in allowed}
        current = _longest_prefix(urls, path)
        return [
            NavLink(item.key, item.label, urls[item.key], item.icon, item.key == current)
            for item in allowed
        ]


def _longest_prefix(urls: dict[str, str], path: str) -> str:
    """Return the key whose address contains the path; the home page only contains itself."""
    containing = [
        key for key, url in urls.items() if path == url or (url != "/" and path.startswith(url))
    ]
    return max(containing, key=lambda key: len(urls[key]), default="")


nav = Navigation()
