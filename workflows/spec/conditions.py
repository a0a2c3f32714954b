"""Conditions: CEL, plus the spelling people write in YAML (``AND``, ``OR``, ``NOT``, ``=``)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import cel
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from workflows.spec.document import Scope

MAX_LENGTH = 1_000
# Each macro walks a list, one inside the other multiplies: three could keep a worker for minutes.
MAX_MACROS = 2

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<string>[rRbB]{0,2}(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))
      | (?P<number>[0-9][0-9a-zA-Z_.]*)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<operator>==|!=|<=|>=|&&|\|\||.)""",
    re.VERBOSE | re.DOTALL,
)
_JOINERS = {"AND": "&&", "OR": "||", "and": "&&", "or": "||"}
_NEGATIONS = {"NOT", "not"}
_ENDS_NEGATION = {"&&", "||", ",", "?", ":", ")", "]", "}"}
_MACROS = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_][A-Za-z0-9_]*)")
_CEL_PLACE = re.compile(r"<input>:(\d+):(\d+): (?:Syntax error: )?(.*)")
_LITERALS = {"true", "false", "null"}


class ConditionError(ValueError):
    """A condition that cannot be parsed; ``offset`` counts characters into its source."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


class ConditionFailed(Exception):
    """A condition that parsed but could not be evaluated to true or false."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition; equal when its source is equal."""

    source: str
    program: Any = field(compare=False, repr=False)
    names: frozenset[str] = field(compare=False, repr=False)

    def holds(self, scope: Mapping[str, Any]) -> bool:
        """Evaluate against named values; raises ``ConditionFailed`` for anything but a boolean."""
        try:
            value = self.program.execute({name: scope.get(name) for name in self.names})
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise ConditionFailed(f"{self.source}: {error}") from error
        if not isinstance(value, bool):
            raise ConditionFailed(f"{self.source}: gives {value!r}, not true or false")
        return value

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _validate, serialization=core_schema.plain_serializer_function_ser_schema(_source_of)
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        text = {"type": "string", "maxLength": MAX_LENGTH}
        return {"description": "A CEL condition", "anyOf": [text, {"type": "boolean"}]}


def compile_condition(source: str, steps: Mapping[str, str] | None = None) -> Condition:
    """Compile a condition once; raises ``ConditionError`` with the offset of the mistake.

    ``steps`` gives the id in the document for each step that the condition calls otherwise.
    """
    return Condition(source, *compile_expression(source, "condition", steps))


def names_in(context: object) -> Mapping[str, str] | None:
    """Return what a fragment's steps are called in the document; None outside of fragments."""
    return context.names if isinstance(context, Scope) else None


def compile_expression(
    source: str, what: str, steps: Mapping[str, str] | None = None
) -> tuple[Any, frozenset[str]]:
    """Return a program and the names it reads; ``what`` it is, is said in ``ConditionError``."""
    if not source.strip():
        raise ConditionError(f"The {what} is empty.")
    if len(source) > MAX_LENGTH:
        raise ConditionError(f"The {what} is longer than {MAX_LENGTH} characters.")
    translated, offsets = translate(source)
    try:
        program = cel.compile(translated)
    except ValueError as error:
        raise _parse_error(error, what, translated, [*offsets, len(source)]) from error
    if steps and "steps" in program.variables():
        program = cel.compile(_steps_renamed(translated, steps))
    bound = _MACROS.findall(translated)
    if len(bound) > MAX_MACROS:
        raise ConditionError(f"The {what} uses more than {MAX_MACROS} of all, exists, map, filter.")
    return program, frozenset(program.variables()).difference(bound, _LITERALS)


def closing_brace(text: str, start: int) -> int:
    """Return where the expression from ``start`` on is closed by a ``}``, or -1."""
    depth = 0
    for match in _TOKEN.finditer(text, start):
        depth += (match.group() == "{") - (match.group() == "}")
        if depth < 0:
            return match.start()
    return -1


def steps_named(source: str) -> Iterator[tuple[int, str]]:
    """Yield (offset, id) for each ``steps.<id>`` and ``steps['<id>']`` of an expression."""
    seen: list[str] = []
    for match in _TOKEN.finditer(source):
        kind, token, before = match.lastgroup, match.group(), seen[-2:]
        if kind == "space":
            continue
        if seen[-3:-2] != ["."]:
            is_call = source[match.end() :].lstrip().startswith("(")
            if kind == "name" and before == ["steps", "."] and not is_call:
                yield match.start(), token
            elif kind == "string" and before == ["steps", "["]:
                yield match.start() + 1, token[1:-1]
        seen.append(token)


def _steps_renamed(translated: str, steps: Mapping[str, str]) -> str:
    """Write the steps as they are called in the document."""
    renamed, done = "", 0
    for offset, step_id in steps_named(translated):
        renamed += translated[done:offset] + steps.get(step_id, step_id)
        done = offset + len(step_id)
    return renamed + translated[done:]


def translate(source: str) -> tuple[str, list[int]]:
    """Rewrite to CEL; the list gives for each character of the result its offset in the source."""
    writer = _Writer()
    previous = ""
    for match in _TOKEN.finditer(source):
        token, at = match.group(), match.start()
        if match.lastgroup == "name" and previous != ".":
            writer.name(token, at)
        elif match.lastgroup == "operator":
            writer.operator(token, at)
        else:
            writer.write(token, at)
        previous = previous if match.lastgroup == "space" else token
    writer.close_negations(len(source))
    return "".join(writer.parts), writer.offsets


class _Writer:
    """Emit CEL; a NOT opens a parenthesis that the next joiner at its depth closes."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.offsets: list[int] = []
        self.depth = 0
        self.negations: list[int] = []

    def write(self, text: str, at: int) -> None:
        self.parts.append(text)
        self.offsets.extend(range(at, at + len(text)))

    def name(self, token: str, at: int) -> None:
        if token in _JOINERS:
            self.operator(_JOINERS[token], at)
        elif token in _NEGATIONS:
            self.write("!(", at)
            self.negations.append(self.depth)
        else:
            self.write(token, at)

    def operator(self, symbol: str, at: int) -> None:
        if symbol in _ENDS_NEGATION:
            self.close_negations(at, self.depth)
        self.depth += (symbol in "([{") - (symbol in ")]}")
        self.write("==" if symbol == "=" else symbol, at)

    def close_negations(self, at: int, depth: int = 0) -> None:
        while self.negations and self.negations[-1] >= depth:
            self.negations.pop()
            self.write(")", at)


def _parse_error(
    error: ValueError, what: str, translated: str, offsets: list[int]
) -> ConditionError:
    found = _CEL_PLACE.search(str(error))
    if found is None:
        return ConditionError(f"The {what} does not parse.")
    lines = translated.split("\n")
    line = min(int(found.group(1)), len(lines))
    index = sum(len(text) + 1 for text in lines[: line - 1]) + int(found.group(2)) - 1
    offset = offsets[min(index, len(offsets) - 1)]
    message = found.group(3).split(" expecting ")[0].replace("<EOF>", "the end")[:200]
    return ConditionError(f"The {what} does not parse: {message}.", offset)


def _validate(value: Any, info: core_schema.ValidationInfo) -> Condition:
    if isinstance(value, Condition):
        return value
    if isinstance(value, bool):
        value = "true" if value else "false"
    if not isinstance(value, str):
        raise PydanticCustomError("condition", "A condition is written as text.")
    try:
        return compile_condition(value, names_in(info.context))
    except ConditionError as error:
        raise PydanticCustomError(
            "condition", "{reason}", {"reason": str(error), "offset": error.offset}
        ) from error


def _source_of(condition: Condition) -> str:
    return condition.source
