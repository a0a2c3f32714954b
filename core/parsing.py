"""How request bodies are read; apart from `core.api`, which REST framework's views must precede."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import exceptions, parsers

DEPTH_LIMIT = 64


class JsonParser(parsers.JSONParser):
    """JSON nested at most 64 deep: what reads it further on may recurse."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            found = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise exceptions.ParseError(_("This is nested too deeply.")) from None
        level = [found]
        for _depth in range(DEPTH_LIMIT):
            level = [part for value in level for part in _parts(value)]
            if not level:
                return found
        raise exceptions.ParseError(_("This is nested too deeply."))


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
