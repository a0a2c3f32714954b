"""The JSON Schema of the language, by which editors complete and check a workflow while typing."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter

from workflows.spec.kinds import TOOL, StepKind
from workflows.spec.models import StepSpec, WorkflowSpec
from workflows.spec.states import MachineSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_STEPS = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/step"}}


def language_schema(kinds: Mapping[str, StepKind]) -> dict[str, Any]:
    """Return the schema of a workflow file with the configs of the step types given.

    It says what stands where; names of steps, ways and conditions are checked when a file is
    loaded.
    """
    definitions: dict[str, Any] = {}
    workflow = _schema_of(WorkflowSpec, definitions)
    machine = _schema_of(MachineSpec, definitions)
    workflow["properties"] |= machine["properties"]
    workflow["properties"]["steps"] = _STEPS
    definitions["StateSpec"]["properties"]["on_enter"] = {**_STEPS, "minItems": 0}
    definitions["step"] = _step(kinds, definitions)
    required = ["name", "version"]
    return {
        "$schema": DIALECT,
        "title": "Frontdesk workflow",
        "type": "object",
        "properties": workflow["properties"],
        "required": required,
        "additionalProperties": False,
        "oneOf": [{"required": ["steps"]}, {"required": ["states", "initial"]}],
        "$defs": dict(sorted(definitions.items())),
    }


def _step(kinds: Mapping[str, StepKind], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a step: common keys, and for each type its config."""
    step = _schema_of(StepSpec, definitions)
    step["properties"]["type"] = {"enum": sorted(kinds)}
    step["properties"]["config"] = {"type": "object"}
    cases = [_case(kind, definitions) for _name, kind in sorted(kinds.items())]
    use = {
        "type": "object",
        "properties": {
            "id": step["properties"]["id"],
            "description": step["properties"]["description"],
            "fragment": {"type": "string", "description": "The fragment to put here"},
            "with": {"type": "object", "description": "Its parameters"},
            "next": step["properties"]["next"],
        },
        "required": ["id", "fragment"],
        "additionalProperties": False,
    }
    return {
        "if": {"type": "object", "required": ["fragment"]},
        "then": use,
        "else": {
            "type": "object",
            "properties": step["properties"],
            "required": ["id", "type"],
            "additionalProperties": False,
            "allOf": cases,
        },
    }


def _case(kind: StepKind, definitions: dict[str, Any]) -> dict[str, Any]:
    config = _schema_of(kind.config, definitions)
    for key in kind.body_keys:
        written = config["properties"][key]
        named = written.get("type") == "object"
        bodies = {**written, "additionalProperties": _STEPS} if named else _STEPS
        bodies.pop("patternProperties", None) if named else None
        config["properties"][key] = bodies
    required = [
        *(["config"] if config.get("required") else []),
        *(["tool"] if kind.name == TOOL else []),
    ]
    then: dict[str, Any] = {"properties": {"config": config}}
    if required:
        then["required"] = required
    return {
        "if": {"properties": {"type": {"const": kind.name}}, "required": ["type"]},
        "then": then,
    }


def _schema_of(model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return a model's schema; what it refers to is put into ``definitions``."""
    schema = TypeAdapter(model).json_schema(by_alias=True, ref_template="#/$defs/{model}")
    definitions.update(schema.pop("$defs", {}))
    schema.pop("title", None)
    return schema
