"""Labels for guards: names that code declares are shown, those that workspaces chose are not."""

from __future__ import annotations

from typing import Final

OWN: Final = "own"
_declared: set[str] = set()


def guard_name(name: str) -> str:
    """Declare a name in code, at import, so that metrics show it; returns it."""
    _declared.add(name)
    return name


def guard_label(name: str) -> str:
    """Return the name as a metric's label: itself when code declared it, otherwise `own`."""
    return name if name in _declared else OWN
