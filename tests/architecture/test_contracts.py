"""Every operation of the OpenAPI document keeps to its contract when it is sent nonsense."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from config.openapi import EVERYWHERE, ON_WRITES, PREFIX
from core import tenancy

SignIn = Callable[..., Client]
WRITES = ("post", "put", "patch", "delete")
NOBODY = str(UUID(int=7))
JSON = "application/json"


@cache
def document() -> dict[str, Any]:
    with tenancy.public_scope():
        generator = SchemaGenerator(urlconf="config.urls_tenant")  # type: ignore[no-untyped-call]
        found: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found


def operations(*methods: str, with_json: bool = False) -> list[Any]:
    return [
        pytest.param(path, method, operation, id=f"{method} {path}")
        for path, by_method in document()["paths"].items()
        if path.startswith(PREFIX)
        for method, operation in by_method.items()
        if (not methods or method in methods) and (not with_json or _takes_json(operation))
    ]


def _takes_json(operation: dict[str, Any]) -> bool:
    return "application/json" in operation.get("requestBody", {}).get("content", {})


def address_of(path: str) -> str:
    """Return the path with ids that nothing has."""
    parts = (NOBODY if part.startswith("{") else part for part in path.split("/"))
    return "/".join(parts)


def problem_of(response: Any, operation: dict[str, Any]) -> dict[str, Any]:
    """Return the answer, which must be a documented 4xx problem."""
    assert 400 <= response.status_code < 500, response.content
    assert response["Content-Type"] == "application/problem+json"
    documented = operation["responses"][str(response.status_code)]["content"]
    assert documented["application/problem+json"]["schema"]["$ref"].endswith("/ProblemDocument")
    problem: dict[str, Any] = response.json()
    assert problem["type"] == f"/docs/errors/{problem['code']}"
    assert problem["status"] == response.status_code
    return problem


def send(client: Client, path: str, method: str, body: Any, content_type: str = JSON) -> Any:
    return getattr(client, method)(address_of(path), body, content_type=content_type)


@pytest.mark.parametrize(("path", "method", "operation"), operations())
def test_operation_documents_its_problems(path: str, method: str, operation: Any) -> None:
    expected = {*EVERYWHERE, *(ON_WRITES if method in WRITES else ())}
    assert expected <= set(operation["responses"])
    names = [parameter["name"] for parameter in operation.get("parameters", [])]
    assert names.count("Idempotency-Key") == (method in WRITES)


@pytest.mark.parametrize(("path", "method", "operation"), operations())
def test_unknown_parameter_is_refused(
    sign_in: SignIn, globex: Any, path: str, method: str, operation: Any
) -> None:
    address = f"{address_of(path)}?surprise=1"
    problem = problem_of(getattr(sign_in(), method)(address), operation)
    assert problem["code"] == "validation_failed"
    assert [fault["pointer"] for fault in problem["errors"]] == ["/surprise"]
    assert problem["errors"][0]["code"] == "unknown_parameter"


@pytest.mark.parametrize(("path", "method", "operation"), operations("get"))
def test_value_outside_a_parameters_choices_is_refused(
    sign_in: SignIn, path: str, method: str, operation: Any
) -> None:
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query" and "enum" in parameter["schema"]:
            address = f"{address_of(path)}?{parameter['name']}=surprise"
            problem = problem_of(sign_in().get(address), operation)
            assert problem["errors"][0]["pointer"] == f"/{parameter['name']}"


@pytest.mark.parametrize(("path", "method", "operation"), operations(with_json=True))
def test_unknown_field_is_refused(sign_in: SignIn, path: str, method: str, operation: Any) -> None:
    problem = problem_of(send(sign_in(), path, method, {"surprise": 1}), operation)
    assert problem["code"] == "validation_failed"
    faults = {fault["pointer"]: fault["code"] for fault in problem["errors"]}
    assert faults["/surprise"] == "unknown_field"


@pytest.mark.parametrize(("path", "method", "operation"), operations(with_json=True))
@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        ("<a/>", "application/xml", "unsupported_media_type"),
        ("{not json", JSON, "parse_error"),
        ("[" * 100 + "]" * 100, JSON, "parse_error"),
        ('["a list"]', JSON, "validation_failed"),
        (f'"{"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE}"', JSON, "body_too_large"),
    ],
    ids=["type", "json", "deep", "list", "large"],
)
def test_unreadable_body_is_refused(
    sign_in: SignIn,
    path: str,
    method: str,
    operation: Any,
    body: str,
    content_type: str,
    code: str,
) -> None:
    response = send(sign_in(), path, method, body, content_type)
    assert problem_of(response, operation)["code"] == code
