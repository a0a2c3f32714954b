"""What a tool is: a named, versioned function with a contract, and the register of those there are.

A tool says what it takes and gives as JSON Schema, whether repeating a call with the same key is
harmless, and, if it is not, how to look up what became of a call whose reply was lost.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from core.errors import DomainError
from core.resilience.cancellation import CancelToken

Schema = Mapping[str, Any]


class ToolUnknown(DomainError):
    """A tool that this release does not have."""

    code = "tool_unknown"
    title = "There is no tool of that name."
    http_status = 500


class ToolInputInvalid(DomainError):
    """What a workflow hands to a tool breaks the tool's contract; the tool was not called."""

    code = "tool_input_invalid"
    title = "A tool was given what it does not take."
    http_status = 422


class ToolOutputInvalid(DomainError):
    """What a tool gave back breaks its own contract; it may have acted."""

    code = "tool_output_invalid"
    title = "A tool gave back what it does not promise."
    http_status = 502


class ToolInDoubt(DomainError):
    """Nobody can tell whether a call was carried out, and it must not be repeated."""

    code = "tool_in_doubt"
    title = "It is not known whether this was done; a person has to look."
    http_status = 502


class ToolFailed(DomainError):
    """A tool could not do its work; ``retryable`` says whether another attempt may help."""

    code = "tool_failed"
    title = "A tool could not do its work."
    http_status = 502

    def __init__(self, detail: str = "", *, retryable: bool = False, **data: Any) -> None:
        super().__init__(detail, **data)
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call: ``key`` is the same each time this very call is repeated."""

    key: str
    input: Mapping[str, Any]
    run_id: UUID
    conversation_id: UUID | None
    cancel: CancelToken


Handler = Callable[[ToolCall], Mapping[str, Any]]
Lookup = Callable[[ToolCall], Mapping[str, Any] | None]


@dataclass(frozen=True)
class Tool:
    """A registered tool.

    ``is_idempotent``: a call repeated with the same key acts once. ``lookup`` returns the output of
    a call that was carried out, None if it was not. ``has_side_effects`` is false for tools that
    only read.
    """

    name: str
    version: str
    description: str
    input_schema: Schema
    output_schema: Schema
    handler: Handler
    is_idempotent: bool
    has_side_effects: bool
    lookup: Lookup | None = None
    timeout_seconds: float = 10.0

    @cached_property
    def _input(self) -> Draft202012Validator:
        return Draft202012Validator(self.input_schema)

    @cached_property
    def _output(self) -> Draft202012Validator:
        return Draft202012Validator(self.output_schema)

    def input_check(self, value: Mapping[str, Any]) -> None:
        """Raise ``ToolInputInvalid`` with the place of the first fault."""
        _check(self._input, value, ToolInputInvalid)

    def call(self, call: ToolCall) -> Mapping[str, Any]:
        """Act; raises what the handler raises, and ``ToolOutputInvalid``."""
        return self.output_check(self.handler(call))

    def output_check(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return an output that keeps the contract; raises ``ToolOutputInvalid``."""
        _check(self._output, value, ToolOutputInvalid)
        return value


def _check(validator: Draft202012Validator, value: Any, error: type[DomainError]) -> None:
    fault = best_match(validator.iter_errors(value))
    if isinstance(fault, ValidationError):
        raise error(f"At '{fault.json_path}': the rule '{fault.validator}' is broken.")


_tools: dict[str, Tool] = {}


def tool(
    name: str,
    *,
    version: str,
    description: str,
    input_schema: Schema,
    output_schema: Schema,
    is_idempotent: bool,
    has_side_effects: bool = True,
    lookup: Lookup | None = None,
    timeout_seconds: float = 10.0,
) -> Callable[[Handler], Handler]:
    """Register a function as a tool; two tools cannot share a name.

    A tool with side effects that is not idempotent needs ``lookup``, or its calls that are in doubt
    after a crash go to a person.
    """
    Draft202012Validator.check_schema(input_schema)
    Draft202012Validator.check_schema(output_schema)

    def register(handler: Handler) -> Handler:
        if name in _tools and _tools[name].handler is not handler:
            raise ValueError(f"Two tools are named '{name}'.")
        _tools[name] = Tool(
            name=name,
            version=version,
            description=description,
            input_schema=input_schema,
            output_schema=output_schema,
            handler=handler,
            is_idempotent=is_idempotent,
            has_side_effects=has_side_effects,
            lookup=lookup,
            timeout_seconds=timeout_seconds,
        )
        return handler

    return register


def tool_get(name: str) -> Tool:
    """Return a registered tool; raises ``ToolUnknown``."""
    if name not in _tools:
        raise ToolUnknown(tool=name)
    return _tools[name]


def tool_forget(name: str) -> None:
    """Remove a tool, so that a test's own tools stay in that test."""
    _tools.pop(name, None)


def tools_all() -> list[Tool]:
    """Return every registered tool, by name."""
    return [_tools[name] for name in sorted(_tools)]
