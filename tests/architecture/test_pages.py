"""No page is forgotten: the list that axe and the pictures go through has every address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import URLPattern, get_resolver

from tests.e2e.pages import (
    ELSEWHERE_OF_PLATFORM,
    ERROR_TEMPLATES,
    NOT_PAGES_OF_PLATFORM,
    NOT_PAGES_OF_WORKSPACE,
    PLATFORM,
    WORKSPACE,
    Page,
)

HOSTS = [
    pytest.param(
        "config.urls_tenant", WORKSPACE, NOT_PAGES_OF_WORKSPACE, "api/v1/", id="workspace"
    ),
    pytest.param(
        "config.urls_public", PLATFORM, NOT_PAGES_OF_PLATFORM, ELSEWHERE_OF_PLATFORM, id="platform"
    ),
]


def _routes(patterns: list[Any], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route
        else:
            yield from _routes(pattern.url_patterns, route)


@pytest.mark.parametrize(
    ("urls", "pages", "others", "elsewhere"), HOSTS, ids=["workspace", "platform"]
)
def test_every_address_is_a_page_of_the_list_or_said_to_be_none(
    urls: str, pages: tuple[Page, ...], others: dict[str, str], elsewhere: str
) -> None:
    listed = {page.route for page in pages} | set(others)
    found = set(_routes(get_resolver(urls).url_patterns))
    forgotten = {route for route in found - listed if not route.startswith(elsewhere)}
    assert forgotten == set(), "add them to tests/e2e/pages.py"
    assert listed - found == set(), "no such address any more"


def test_no_address_is_both_and_every_name_is_used_once() -> None:
    assert {page.route for page in WORKSPACE} & set(NOT_PAGES_OF_WORKSPACE) == set()
    assert {page.route for page in PLATFORM} & set(NOT_PAGES_OF_PLATFORM) == set()
    names = [page.name for page in (*WORKSPACE, *PLATFORM)]
    assert len(names) == len(set(names))


def test_every_error_template_is_looked_at() -> None:
    templates = Path(settings.BASE_DIR) / "templates"
    found = [path for path in templates.glob("*.html") if not path.name.startswith("base")]
    found += (templates / "errors").glob("*.html")
    named = {str(path.relative_to(templates).with_suffix("")) for path in found}
    assert named == set(ERROR_TEMPLATES)
