"""What the language knows about a tool, and how a step's use of it is checked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator

from workflows.spec.values import Value

MAX_LISTED = 30


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """A tool as a workflow sees it: its name, its input as a JSON Schema, what calling it means."""

    name: str
    input_schema: Mapping[str, Any] = field(default_factory=dict)
    has_side_effects: bool = False
    is_idempotent: bool = True


def tool_mistake(name: str, tools: Mapping[str, ToolFacts] | None) -> str:
    """Say that there is no such tool; empty if there is, or if the tools are not known here."""
    if tools is None or name in tools:
        return ""
    known = ", ".join(sorted(tools)[:MAX_LISTED]) or "none"
    return f"There is no tool '{name}' (known: {known})."


def input_mistakes(
    given: Mapping[str, Value], tool: ToolFacts
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield (path, message) for what is wrong with an input whatever its expressions give."""
    schema = tool.input_schema
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in given:
            yield (), f"The tool '{tool.name}' needs '{name}'."
    for name, value in given.items():
        if name not in properties and schema.get("additionalProperties") is False:
            known = ", ".join(sorted(properties)) or "nothing"
            yield (name,), f"The tool '{tool.name}' takes no '{name}' (it takes {known})."
        elif value.is_constant:
            for error in Draft202012Validator(properties.get(name, True)).iter_errors(value.source):
                yield (name, *error.absolute_path), f"For the tool '{tool.name}': {error.message}."
