"""HTML that one app lends to another's page."""

from __future__ import annotations

from collections import defaultdict

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils.safestring import SafeString

from core import fragments


@pytest.fixture
def request_() -> HttpRequest:
    return RequestFactory().get("/")


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "_providers", defaultdict(dict))


def test_fragment_without_provider_is_empty(request_: HttpRequest) -> None:
    assert fragments.render("nobody", request_) == ""


def test_fragment_joins_its_providers_in_order(request_: HttpRequest) -> None:
    fragments.register("home", lambda _: SafeString("<b>2</b>"), order=20)
    fragments.register("home", lambda _: SafeString("<b>1</b>"), order=10)
    assert fragments.render("home", request_) == "<b>1</b><b>2</b>"


def test_fragment_escapes_what_is_not_marked_safe(request_: HttpRequest) -> None:
    fragments.register("snippet", lambda _: '<script src="x">')
    assert fragments.render("snippet", request_) == "&lt;script src=&quot;x&quot;&gt;"
