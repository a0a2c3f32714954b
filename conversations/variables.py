"""What a prepared text leaves open, such as `{{customer.name|there}}`, and what fills it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from conversations.errors import VariableInvalid

VARIABLES: Final = ("customer.name", "agent.name", "workspace.name", "conversation.id")
_PLACE: Final = re.compile(r"\{\{([^{}]*)\}\}")


def variables_check(text: str) -> None:
    """Raise VariableInvalid for a place that nothing fills, and for one that does not end."""
    for place in _PLACE.finditer(text):
        if _parts(place[1])[0] not in VARIABLES:
            raise VariableInvalid(variable=place[1].strip()[:60], known=list(VARIABLES))
    rest = _PLACE.sub("", text)
    if "{{" in rest or "}}" in rest:
        raise VariableInvalid(variable="{{" if "{{" in rest else "}}", known=list(VARIABLES))


def variables_fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with every place filled: by its value, else by what stands behind the bar."""

    def filled(place: re.Match[str]) -> str:
        name, instead = _parts(place[1])
        return values.get(name, "").strip() or instead

    return _PLACE.sub(filled, text)


def _parts(place: str) -> tuple[str, str]:
    name, _, instead = place.partition("|")
    return name.strip(), instead.strip()
