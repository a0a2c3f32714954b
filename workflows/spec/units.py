"""How times and money are written in a workflow."""

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

MAX_SECONDS = 366 * 86_400.0
MICRO = 1_000_000
MAX_COST = 1_000_000

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s?(ms|s|m|h|d|w)")


def _seconds(value: Any) -> float:
    """Read ``500ms``, ``30s``, ``5m``, ``2h``, ``3d``, ``1w`` or a number of seconds."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found:
        value = float(found[1]) * _SECONDS[found[2]]
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = "A duration is a number of seconds or text such as 500ms, 30s, 5m, 2h, 3d, 1w."
        raise PydanticCustomError("duration", message)
    if not 0 < value <= MAX_SECONDS:
        raise PydanticCustomError("duration", "A duration is more than 0 and at most 366 days.")
    return float(value)


def _micro(value: Any) -> int:
    """Read an amount in major units, such as ``0.05``, as millionths."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise InvalidOperation
        amount = Decimal(str(value))
    except InvalidOperation:
        message = "A cost is a number in the workspace's currency, such as 0.05."
        raise PydanticCustomError("cost", message) from None
    if not amount.is_finite() or not 0 < amount <= MAX_COST or amount * MICRO % 1:
        message = "A cost is more than 0, at most 1000000 and in whole millionths."
        raise PydanticCustomError("cost", message)
    return int(amount * MICRO)


Duration = Annotated[
    float,
    BeforeValidator(_seconds),
    WithJsonSchema(
        {
            "description": "Seconds, or text such as 500ms, 30s, 5m, 2h, 3d, 1w",
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_SECONDS},
                {"type": "string", "pattern": "^[0-9]{1,9}(\\.[0-9]{1,3})? ?(ms|s|m|h|d|w)$"},
            ],
        }
    ),
]
Cost = Annotated[
    int,
    BeforeValidator(_micro),
    Field(description="An amount in the workspace's currency"),
    WithJsonSchema(
        {
            "description": "An amount in the workspace's currency, such as 0.05",
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_COST},
                {"type": "string", "pattern": "^[0-9]+(\\.[0-9]{1,6})?$"},
            ],
        }
    ),
]
