"""The installed providers by name. A new one is a file beside this and a line in `PROVIDERS`."""

from collections.abc import Callable
from functools import cache

from routing.errors import ProviderUnknown
from routing.providers.base import Provider
from routing.providers.local import LocalProvider

DEFAULT_PROVIDER = "local"
PROVIDERS: dict[str, Callable[[], Provider]] = {DEFAULT_PROVIDER: LocalProvider}


@cache
def provider_get(name: str) -> Provider:
    """Return the provider of that name, made once per process; raises ProviderUnknown."""
    factory = PROVIDERS.get(name)
    if factory is None:
        raise ProviderUnknown(f"There is no provider named {name!r}.", provider=name)
    return factory()
