"""What every operation of the API has in common, written into its OpenAPI document by one hook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.idempotency.types import KEY_HEADER, WRITES

PREFIX = "/api/v1/"
PROBLEM = "ProblemDocument"
EVERYWHERE = {
    "400": "The request breaks its contract; `errors` points to each fault.",
    "401": "No valid credentials.",
    "403": "The role or key does not include this.",
    "404": "There is nothing here by that name.",
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
EXAMPLES: dict[tuple[str, str], dict[str, Any]] = {
    ("/api/v1/chat/message", "post"): {
        "message": "How long may I take to return a tent?",
        "user_id": "shop-user-4711",
        "context": {"page": "/cart"},
    },
    ("/api/v1/knowledge/search", "post"): {"query": "return period of a tent", "limit": 5},
    ("/api/v1/router/decide", "post"): {
        "query": "Where is my order 10042?",
        "tier_preference": "balanced",
    },
    ("/api/v1/documents", "post"): {
        "url": "https://shop.example.com/returns",
        "collection": "policies",
    },
    ("/api/v1/conversations/{conversation_id}/messages", "post"): {
        "text": "You can return it within thirty days.",
        "client_id": "reply-1",
    },
    ("/api/v1/widget", "patch"): {"title": "Ask us", "accent": "#0f766e"},
}


def contracts_describe(result: Any, **_: Any) -> Any:
    """Add the problems of every operation, the key of every write, and examples."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    _anything_simplify(schemas)
    schemas[PROBLEM] = PROBLEM_SCHEMA
    for path, method, operation in _operations(result):
        is_write = method.upper() in WRITES
        _problems_add(operation, {**EVERYWHERE, **(ON_WRITES if is_write else {})})
        if is_write:
            operation.setdefault("parameters", []).append(KEY_PARAMETER)
        _example_add(operation, EXAMPLES.get((path, method)))
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
    reference = {"schema": {"$ref": f"#/components/schemas/{PROBLEM}"}}
    content = {"application/problem+json": reference}
    for status, description in problems.items():
        operation["responses"].setdefault(status, {"description": description, "content": content})


def _example_add(operation: dict[str, Any], example: dict[str, Any] | None) -> None:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if example is not None and body is not None:
        body["example"] = example
