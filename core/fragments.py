"""HTML that one app lends to another's page, without either importing the other.

The lending app registers a callable under a key; the page asks for the key and gets an empty
string when nobody provides it.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.utils.safestring import SafeString

Provider = Callable[[HttpRequest], str]
_providers: dict[str, Provider] = {}


def register(key: str, provider: Provider) -> None:
    """Provide the fragment `key`; called in `AppConfig.ready()`."""
    _providers[key] = provider


def render(key: str, request: HttpRequest) -> str:
    """Return the fragment, escaped by the template unless its provider marked it safe."""
    provider = _providers.get(key)
    return provider(request) if provider else SafeString("")
