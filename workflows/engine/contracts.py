"""Check what goes into a workflow and what comes out against the schemas in its header."""

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from core.errors import DomainError


class InputInvalid(DomainError):
    """What a run is given breaks the workflow's ``input`` schema; no run was made."""

    code = "workflow_input_invalid"
    title = "This is not what the workflow takes."
    http_status = 422


class OutputInvalid(DomainError):
    """What a run came to breaks the workflow's ``output`` schema."""

    code = "output_invalid"
    title = "This is not what the workflow promises."
    http_status = 500


def input_check(schema: Mapping[str, Any] | None, value: Mapping[str, Any]) -> None:
    """Raise ``InputInvalid`` with the place of the first fault; nothing is promised without one."""
    fault = fault_in(schema, value)
    if fault:
        raise InputInvalid(fault)


def output_check(schema: Mapping[str, Any] | None, value: Mapping[str, Any]) -> None:
    """Raise ``OutputInvalid`` with the place of the first fault."""
    fault = fault_in(schema, value)
    if fault:
        raise OutputInvalid(fault)


def fault_in(schema: Mapping[str, Any] | None, value: Any) -> str:
    """Say where a value breaks a schema and by which rule, "" if it keeps it; never the value."""
    if not schema:
        return ""
    fault = best_match(Draft202012Validator(schema).iter_errors(value))
    return f"At '{fault.json_path}': the rule '{fault.validator}' is broken." if fault else ""
