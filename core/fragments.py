"""HTML that apps lend to another's page, without either importing the other.

A lending app registers a callable under a key; the page asks for the key and gets what all
providers gave, in order, or an empty string when there is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

Provider = Callable[[HttpRequest], str]
_providers: dict[str, dict[Provider, int]] = defaultdict(dict)


def register(key: str, provider: Provider, *, order: int = 100) -> None:
    """Provide a part of the fragment `key`; called in `AppConfig.ready()`."""
    _providers[key][provider] = order


def render(key: str, request: HttpRequest) -> SafeString:
    """Return the fragment; what a provider did not mark safe is escaped."""
    providers = _providers.get(key, {})
    in_order = sorted(providers, key=lambda provider: providers[provider])
    return format_html_join("", "{}", ((provider(request),) for provider in in_order))
