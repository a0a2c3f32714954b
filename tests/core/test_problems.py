"""The `type` of every problem leads to a page, on every host."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from config.env import BASE_DIR
from core.problems import problems
from core.tenancy import TenantContext

SKIPPED = {".venv", ".venv-bench", "tests", "bench", "migrations", "var"}


def codes_in_source() -> set[str]:
    """Return the code of every class that derives from something and has code and title."""
    found = set()
    for path in Path(BASE_DIR).rglob("*.py"):
        if SKIPPED.isdisjoint(path.relative_to(BASE_DIR).parts):
            for node in ast.walk(ast.parse(path.read_text())):
                found |= _codes(node) if isinstance(node, ast.ClassDef) else set()
    return found


def _codes(node: ast.ClassDef) -> set[str]:
    values = {
        target.id: statement.value.value
        for statement in node.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    return {str(values["code"])} if "code" in values and node.bases else set()


def test_every_code_in_the_source_has_a_page() -> None:
    codes = codes_in_source()
    assert len(codes) > 80
    assert codes <= set(problems())


@pytest.mark.parametrize("host", ["acme.localhost", "localhost"])
def test_every_code_resolves_on_every_host(acme: TenantContext, host: str) -> None:
    client = Client(headers={"host": host})
    for code, problem in problems().items():
        response = client.get(f"/docs/errors/{code}")
        assert response.status_code == 200, code
        assert code in response.content.decode()
        assert problem.advice
    assert client.get("/docs/errors/").status_code == 200
    assert client.get("/docs/errors/nothing_like_it").status_code == 404


def test_type_of_a_real_problem_is_the_address_of_its_page(
    sign_in: Callable[..., Client],
) -> None:
    client = sign_in()
    problem = client.get("/api/v1/orders", {"surprise": "1"}).json()
    assert client.get(problem["type"]).status_code == 200
