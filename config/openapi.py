"""What every operation of the API has in common, written into its OpenAPI document by one hook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from config.examples import Examples
from core import errors
from core.errors import DomainError
from core.http import PROBLEM_TYPE
from core.idempotency.errors import KeyReused
from core.idempotency.types import KEY_HEADER, WRITES

PREFIX = "/api/v1/"
PROBLEM = "ProblemDocument"
EVERYWHERE = {
    "400": "The request breaks its contract; `errors` points to each fault.",
    "401": "No valid credentials.",
    "403": "The role or key does not include this.",
    "404": "There is nothing here by that name.",
    "405": "The address does not take this method; `Allow` lists those it takes.",
    "406": "The `Accept` header asks for something else than JSON.",
    "429": "Too many requests; `Retry-After` says how long to wait.",
}
ON_WRITES = {
    "409": "A clash with the current state, or the same key in flight.",
    "413": "The body is too large.",
    "415": "This content type is not taken here.",
    "422": "The content cannot be carried out, or the key belongs to another request.",
}
KEY_PARAMETER = {
    "name": KEY_HEADER,
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "Carries the write out once however often it is sent; see docs/api.md.",
    "example": "3f0b2c9e-6a51-4c0f-8a30-1c7d4f1f9b55",
}
_USUAL: dict[str, type[DomainError]] = {
    "400": errors.ValidationFailed,
    "401": errors.Unauthenticated,
    "403": errors.PermissionDenied,
    "404": errors.NotFound,
    "405": errors.MethodNotAllowed,
    "406": errors.NotAcceptable,
    "409": errors.Conflict,
    "413": errors.BodyTooLarge,
    "415": errors.MediaTypeUnsupported,
    "422": KeyReused,
    "429": errors.RateLimited,
}
_TEXT = {"type": "string"}
PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; `type` leads to its page.",
    "required": ["type", "title", "status", "code", "detail", "retryable"],
    "properties": {
        "type": {"type": "string", "examples": ["/docs/errors/validation_failed"]},
        "title": _TEXT,
        "status": {"type": "integer"},
        "code": _TEXT,
        "detail": _TEXT,
        "retryable": {"type": "boolean"},
        "instance": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": _TEXT, "code": _TEXT, "detail": _TEXT},
            },
        },
    },
}


def contracts_describe(result: Any, **_: Any) -> Any:
    """Add the problems of every operation, the key of every write, and an example of all."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    _anything_simplify(schemas)
    schemas[PROBLEM] = PROBLEM_SCHEMA
    for path, method, operation in _operations(result):
        is_write = method.upper() in WRITES
        _problems_add(operation, {**EVERYWHERE, **(ON_WRITES if is_write else {})})
        if is_write:
            operation.setdefault("parameters", []).append(KEY_PARAMETER)
        _examples_add(operation, path, Examples(result))
    return result


def _anything_simplify(node: Any) -> None:
    """Write "anything, or null" as anything: null would fit both, and `oneOf` allows one."""
    if isinstance(node, list):
        for part in node:
            _anything_simplify(part)
    elif isinstance(node, dict):
        if {} in (node.get("oneOf") or ()):
            del node["oneOf"]
        for part in node.values():
            _anything_simplify(part)


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        if path.startswith(PREFIX):
            for method, operation in methods.items():
                yield path, method, operation


def _problems_add(operation: dict[str, Any], problems: dict[str, str]) -> None:
    reference = {"$ref": f"#/components/schemas/{PROBLEM}"}
    for status, description in problems.items():
        content = {PROBLEM_TYPE: {"schema": reference, "example": _problem(status)}}
        operation["responses"].setdefault(status, {"description": description, "content": content})


def _problem(status: str) -> dict[str, Any]:
    """Return the document that a usual refusal of this status has."""
    kind = _USUAL[status]
    fault = {"pointer": "/name", "code": "required", "detail": "This field is required."}
    error = kind(errors=[fault]) if issubclass(kind, errors.ValidationFailed) else kind()
    return error.problem()


def _examples_add(operation: dict[str, Any], path: str, examples: Examples) -> None:
    """Put an example beside every parameter, and every body in and out that has none."""
    for parameter in operation.get("parameters", []):
        parameter.setdefault("example", examples.parameter(parameter))
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for body in bodies:
        for media, content in body.get("content", {}).items():
            if "example" not in content:
                content["example"] = examples.body(content["schema"], media=media, path=path)
