"""The flags that the code declares; what nobody declared is off."""

from __future__ import annotations

from tenants.errors import FlagUnknown
from tenants.flags.types import FlagSpec

_specs: dict[str, FlagSpec] = {}


def flag_declare(spec: FlagSpec) -> FlagSpec:
    """Add or replace a flag; called where it is used, or in `AppConfig.ready()`."""
    _specs[spec.name] = spec
    return spec


def spec_get(name: str) -> FlagSpec:
    """Return a declared flag; raises FlagUnknown."""
    if name not in _specs:
        raise FlagUnknown()
    return _specs[name]


def spec_list() -> list[FlagSpec]:
    """Return every declared flag by name."""
    return sorted(_specs.values(), key=lambda spec: spec.name)
