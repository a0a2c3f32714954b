"""Values: JSON in which text may hold CEL, as in ``"Order ${ steps.find.number }"``.

Text that is one ``${ … }`` and nothing else gives the expression's own type; otherwise the results
are written into the text. ``$${`` stands for a plain ``${``.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from workflows.spec.conditions import (
    MAX_LENGTH,
    ConditionError,
    ConditionFailed,
    closing_brace,
    compile_expression,
    names_in,
)

# What one text may grow to when it is rendered; a step's output is bounded by the engine.
MAX_TEXT = 100_000
MAX_EXPRESSIONS = 200

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Steps: TypeAlias = Mapping[str, str] | None
_Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled CEL expression of any type; equal when its source is equal."""

    source: str
    program: Any = field(compare=False, repr=False)
    names: frozenset[str] = field(compare=False, repr=False)

    def evaluate(self, scope: Mapping[str, Any]) -> Json:
        """Evaluate to JSON; raises ``ConditionFailed`` where there is no value or none of JSON."""
        try:
            value = self.program.execute({name: scope.get(name) for name in self.names})
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise ConditionFailed(f"{self.source}: {error}") from error
        return _plain(value, self.source)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _validate_expression,
            serialization=core_schema.plain_serializer_function_ser_schema(_source_of),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "description": "A CEL expression", "maxLength": MAX_LENGTH + 10}


@dataclass(frozen=True, slots=True)
class _Text:
    """Text with expressions in it."""

    parts: tuple[str | Expression, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """A compiled value; ``source`` is it as written, ``names`` what its expressions read."""

    source: Any
    names: frozenset[str] = field(compare=False, repr=False)
    compiled: Any = field(compare=False, repr=False)

    @classmethod
    def of(cls, items: Mapping[str, "Value"]) -> "Value":
        """Join values under their keys to one."""
        return cls(
            {key: item.source for key, item in items.items()},
            frozenset().union(*(item.names for item in items.values())),
            {key: item.compiled for key, item in items.items()},
        )

    @property
    def is_constant(self) -> bool:
        """Tell whether the value is the same in every run."""
        return next(_expressions(self.compiled), None) is None

    def render(self, scope: Mapping[str, Any]) -> Json:
        """Fill in the expressions; raises ``ConditionFailed`` if one of them gives no JSON."""
        return _rendered(self.compiled, scope)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _validate_value,
            serialization=core_schema.plain_serializer_function_ser_schema(_source_of),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"description": "Any JSON; text may hold ${ CEL }"}


class ValueMistake(ConditionError):
    """A value whose expression cannot be parsed; ``at`` is the path to its text in the value."""

    def __init__(self, message: str, offset: int, at: _Path) -> None:
        super().__init__(message, offset)
        self.at = at


def compile_value(source: Any, steps: Steps = None) -> Value:
    """Compile the expressions of a value once; raises ``ConditionError`` for a mistake in one.

    ``steps`` gives the id in the document for each step that the value calls otherwise.
    """
    compiled = _compiled(source, (), steps)
    expressions = list(_expressions(compiled))
    if len(expressions) > MAX_EXPRESSIONS:
        raise ValueMistake(f"The value holds more than {MAX_EXPRESSIONS} expressions.", 0, ())
    return Value(source, frozenset().union(*(item.names for item in expressions)), compiled)


def expression_texts(source: Any, at: _Path = ()) -> Iterator[tuple[_Path, str, int, Expression]]:
    """Yield (path, text, offset, expression) for every expression of a value as written."""
    if isinstance(source, str):
        for part, offset in _pieces(source, at, None):
            if isinstance(part, Expression):
                yield at, source, offset, part
    elif isinstance(source, dict):
        for key, item in source.items():
            yield from expression_texts(item, (*at, key))
    elif isinstance(source, list):
        for index, item in enumerate(source):
            yield from expression_texts(item, (*at, index))


def _compiled(source: Any, at: _Path, steps: Steps) -> Any:
    if isinstance(source, dict):
        return {key: _compiled(item, (*at, key), steps) for key, item in source.items()}
    if isinstance(source, list | tuple):
        return [_compiled(item, (*at, index), steps) for index, item in enumerate(source)]
    if not isinstance(source, str):
        return source
    parts = [part for part, _offset in _pieces(source, at, steps)]
    if all(isinstance(part, str) for part in parts):
        return "".join(map(str, parts))
    return parts[0] if len(parts) == 1 else _Text(tuple(parts))


def _pieces(text: str, at: _Path, steps: Steps) -> Iterator[tuple[str | Expression, int]]:
    """Yield plain text and expressions in turn, each with its offset."""
    start = 0
    while (opened := text.find("${", start)) >= 0:
        is_escaped = text[:opened].endswith("$")
        plain = text[start : opened - is_escaped]
        if plain:
            yield plain, start
        if is_escaped:
            yield "${", opened
            start = opened + 2
            continue
        closed = closing_brace(text, opened + 2)
        if closed < 0:
            raise ValueMistake("This '${' is not closed by a '}'.", opened, at)
        yield _expression(text[opened + 2 : closed], opened + 2, at, steps), opened + 2
        start = closed + 1
    if text[start:]:
        yield text[start:], start


def _expression(source: str, offset: int, at: _Path, steps: Steps) -> Expression:
    try:
        program, names = compile_expression(source, "expression", steps)
    except ConditionError as error:
        raise ValueMistake(str(error), offset + error.offset, at) from error
    return Expression(source, program, names)


def _expressions(compiled: Any) -> Iterator[Expression]:
    if isinstance(compiled, Expression):
        yield compiled
    elif isinstance(compiled, _Text):
        yield from (part for part in compiled.parts if isinstance(part, Expression))
    elif isinstance(compiled, dict | list):
        for item in compiled.values() if isinstance(compiled, dict) else compiled:
            yield from _expressions(item)


def _rendered(compiled: Any, scope: Mapping[str, Any]) -> Json:
    if isinstance(compiled, Expression):
        return compiled.evaluate(scope)
    if isinstance(compiled, _Text):
        return _joined(compiled, scope)
    if isinstance(compiled, dict):
        return {key: _rendered(item, scope) for key, item in compiled.items()}
    if isinstance(compiled, list):
        return [_rendered(item, scope) for item in compiled]
    scalar: Json = compiled
    return scalar


def _joined(text: _Text, scope: Mapping[str, Any]) -> str:
    parts = (part if isinstance(part, str) else _shown(part.evaluate(scope)) for part in text.parts)
    joined = "".join(parts)
    if len(joined) > MAX_TEXT:
        raise ConditionFailed(f"The text grows to {len(joined)} characters; {MAX_TEXT} may be.")
    return joined


def _shown(value: Json) -> str:
    """Write a value into text: nothing for null, JSON for anything that is not text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain(value: Any, source: str) -> Json:
    """Turn what CEL gives into JSON; moments become ISO 8601, durations seconds."""
    if isinstance(value, dict):
        return {str(key): _plain(item, source) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, source) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    is_scalar = value is None or isinstance(value, bool | int | float | str)
    if not is_scalar or (isinstance(value, float) and not math.isfinite(value)):
        raise ConditionFailed(f"{source}: gives {value!r}, which JSON cannot say")
    scalar: Json = value
    return scalar


def _validate_value(value: Any, info: core_schema.ValidationInfo) -> Value:
    if isinstance(value, Value):
        return value
    try:
        return compile_value(value, names_in(info.context))
    except ValueMistake as error:
        raise PydanticCustomError(
            "value", "{reason}", {"reason": str(error), "offset": error.offset, "at": error.at}
        ) from error


def _validate_expression(value: Any, info: core_schema.ValidationInfo) -> Expression:
    """Accept an expression bare or in ``${ … }``."""
    if isinstance(value, Expression):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("expression", "An expression is written as text.")
    text = value.strip()
    inset = value.index(text) if text else 0
    if text.startswith("${") and closing_brace(text, 2) == len(text) - 1:
        text, inset = text[2:-1], inset + 2
    try:
        return _expression(text, inset, (), names_in(info.context))
    except ConditionError as error:
        raise PydanticCustomError(
            "expression", "{reason}", {"reason": str(error), "offset": error.offset}
        ) from error


def _source_of(value: Value | Expression) -> Any:
    return value.source
