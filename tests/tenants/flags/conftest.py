"""Flags that only these tests declare, and who switches them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tenants.flags import FlagSpec, Variant, flag_declare
from tenants.flags import registry as declared
from tenants.types import Actor

PLATFORM = Actor("Frontdesk (platform@example.com)")
OWNER = Actor("owner@acme.example.com", is_owner=True)


@pytest.fixture(autouse=True)
def flags(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Declare one flag of the platform's, one open to workspaces and one experiment."""
    monkeypatch.setattr("tenants.flags.exposure._known", set())  # as in a process that began
    before = dict(declared._specs)
    flag_declare(FlagSpec("closed", "Closed", "The platform's alone"))
    flag_declare(FlagSpec("open", "Open", "Workspaces switch it", is_open=True))
    variants = (Variant("control"), Variant("blue"))
    flag_declare(FlagSpec("colour", "Colour", "An experiment", True, variants, "bought"))
    yield
    declared._specs.clear()
    declared._specs.update(before)
