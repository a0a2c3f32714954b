"""Models as answers show them: read-only, and fast, because a list shows fifty at a time.

REST framework builds a serializer's fields from the model each time and looks each value up through
a chain of general steps. What an answer shows follows from the class alone, so it is worked out
once: for each field one function from a row to its JSON value, the same that REST framework gives.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

from django.db.models import Model
from rest_framework import serializers

Row = TypeVar("Row", bound=Model)
Reader = Callable[[Any, Any], Any]  # (serializer, row) -> what JSON shows


class AnswerSerializer(serializers.ModelSerializer[Row]):
    """Base of what shows a model and takes nothing."""

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        """Return the field; an address that may be empty is documented as mere text."""
        kind, options = super().build_standard_field(field_name, model_field)
        is_address = issubclass(kind, serializers.EmailField | serializers.URLField)
        return (serializers.CharField if is_address and model_field.blank else kind), options

    def to_representation(self, instance: Row) -> dict[str, Any]:
        return {name: read(self, instance) for name, read in _readers(type(self))}


@cache
def _readers(kind: type[AnswerSerializer[Any]]) -> tuple[tuple[str, Reader], ...]:
    shown = kind().fields.items()
    return tuple((name, _reader(field)) for name, field in shown if not field.write_only)


def _reader(field: serializers.Field[Any, Any, Any, Any]) -> Reader:
    """Return how a field's value is read; what is not simple goes REST framework's own way."""
    if isinstance(field, serializers.SerializerMethodField):
        method = str(field.method_name)
        return lambda serializer, row: getattr(serializer, method)(row)
    convert = _CONVERTERS.get(type(field))
    if convert is None or "." in str(field.source) or field.source == "*":
        return lambda _, row: _generally(field, row)
    get = attrgetter(str(field.source))

    def read(_: Any, row: Any) -> Any:
        value = get(row)
        return None if value is None else convert(value)

    return read


def _generally(field: serializers.Field[Any, Any, Any, Any], row: Any) -> Any:
    value = field.get_attribute(row)
    is_none = (value.pk if isinstance(value, serializers.PKOnlyObject) else value) is None  # type: ignore[attr-defined]
    return None if is_none else field.to_representation(value)


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _same(value: Any) -> Any:
    return value


_CONVERTERS: dict[type, Callable[[Any], Any]] = {
    serializers.BooleanField: bool,
    serializers.CharField: str,
    serializers.ChoiceField: str,
    serializers.DateTimeField: _instant,
    serializers.EmailField: str,
    serializers.FloatField: float,
    serializers.IntegerField: int,
    serializers.JSONField: _same,
    serializers.SlugField: str,
    serializers.URLField: str,
    serializers.UUIDField: str,
}
