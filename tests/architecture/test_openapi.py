"""The OpenAPI document is complete: an example of everything, each of which fits its schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker

from tests.architecture.test_contracts import document, operations

SignIn = Callable[..., Client]


def bodies(operation: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give (where, media type, content) of the request's and every answer's body."""
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield "request", media, content
    for status, answer in operation["responses"].items():
        for media, content in answer.get("content", {}).items():
            yield status, media, content


def example_address(path: str, operation: dict[str, Any]) -> str:
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", parameter["example"])
    return path


def faults(schema: dict[str, Any], example: Any) -> list[str]:
    """Return what keeps the example from fitting its schema, references resolved."""
    whole = {**schema, "components": document()["components"]}
    validator = Draft202012Validator(whole, format_checker=FormatChecker())
    return [error.message for error in validator.iter_errors(example)]


@pytest.mark.parametrize(("path", "method", "operation"), operations())
def test_every_body_and_parameter_has_an_example_that_fits(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    for where, media, content in bodies(operation):
        assert "example" in content, f"{where} {media}"
        assert faults(content["schema"], content["example"]) == [], f"{where} {media}"
    for parameter in operation.get("parameters", []):
        assert faults(parameter["schema"], parameter["example"]) == [], parameter["name"]


def test_an_example_that_does_not_fit_would_be_found() -> None:
    product = {"$ref": "#/components/schemas/Product"}
    assert faults(product, {"id": "7"})


@pytest.mark.parametrize(("path", "method", "operation"), operations(with_json=True))
def test_example_of_a_request_is_understood(
    sign_in: SignIn, path: str, method: str, operation: dict[str, Any]
) -> None:
    """Whatever else is wrong (nothing has the example's ids), it is not the body's shape."""
    content = operation["requestBody"]["content"]["application/json"]
    address = example_address(path, operation)
    headers = {"prefer": "wait=0"}
    answer = getattr(sign_in(), method)(
        address, content["example"], content_type="application/json", headers=headers
    )
    assert answer.status_code not in {400, 415}, answer.content


def test_every_page_of_results_can_be_ordered_but_that_of_a_search() -> None:
    """What is found comes in one order, the latest first: that of the index it is found by."""
    listed = {
        path: {parameter["name"] for parameter in methods["get"].get("parameters", [])}
        for path, methods in document()["paths"].items()
        if "get" in methods
    }
    paged = [path for path, names in listed.items() if "cursor" in names]
    assert len(paged) >= 10
    in_one_order = [path for path in paged if "ordering" not in listed[path]]
    assert in_one_order == ["/api/v1/conversations/search"]


@pytest.mark.parametrize("status", ["405", "406"])
@pytest.mark.parametrize(("path", "method", "operation"), operations())
def test_refusals_of_method_and_form_are_documented_problems(
    sign_in: SignIn, path: str, method: str, operation: dict[str, Any], status: str
) -> None:
    address = example_address(path, operation)
    if status == "405":
        answer = sign_in().generic("TRACE", address)
        assert answer["Allow"]
    else:
        answer = getattr(sign_in(), method)(address, headers={"accept": "image/png"})
    assert answer.status_code == int(status)
    assert answer["Content-Type"] == "application/problem+json"
    assert "application/problem+json" in operation["responses"][status]["content"]
