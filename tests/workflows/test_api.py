"""REST of workflows: scopes, strict bodies, located errors, and no other workspace's runs."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from tests.workflows.conftest import HEAD, Say
from workflows.library import library
from workflows.models import Run

HELLO = "  - {id: hello, type: reply, config: {text: Hello}}\n"
Call = Callable[..., Any]


@pytest.fixture
def call(api_key: Callable[..., str]) -> Call:
    """Return a function that calls the API of a workspace with a key of some scopes."""

    def called(
        method: str, path: str, body: Any = None, *, scopes: tuple[str, ...], slug: str = "acme"
    ) -> Any:
        headers = {"host": f"{slug}.localhost"}
        if scopes:
            headers["authorization"] = f"Bearer {api_key(slug, *scopes)}"
        client = Client(headers=headers)
        options = {"data": body, "content_type": "application/json"} if body is not None else {}
        return getattr(client, method)(f"/api/v1/{path}", **options)

    return called


@pytest.fixture
def run(use_workflow: Callable[[str], None], say: Say) -> Run:
    use_workflow(HELLO)
    say("hi")
    return Run.objects.get()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "workflows", None),
        ("post", "workflows", {"yaml": "a"}),
        ("post", "workflows/validate", {"yaml": "a"}),
        ("get", "runs", None),
        ("get", "runs/0192f0c1-2d3e-7abc-8def-0123456789ab", None),
    ],
)
def test_call_needs_a_key_and_its_scope(call: Call, method: str, path: str, body: Any) -> None:
    assert call(method, path, body, scopes=()).status_code == 401
    assert call(method, path, body, scopes=("knowledge:read",)).status_code == 403


def test_workflows_are_listed_with_their_steps(call: Call) -> None:
    found = call("get", "workflows", scopes=("workflows:read",)).json()
    names = {workflow["name"]: workflow for workflow in found}
    assert set(library()) <= set(names)
    step = names["faq_handling"]["steps"][1]
    assert (step["id"], step["type"]) == ("enough_evidence", "branch")
    assert step["edges"][0] == {"target": "answer", "condition": "support >= 0.5"}


def test_validate_tells_where_each_mistake_stands(call: Call) -> None:
    body = {"yaml": HEAD + "  - {id: a, type: magic}\n  - {id: B, type: reply}\n"}
    response = call("post", "workflows/validate", body, scopes=("workflows:read",))
    verdict = response.json()
    assert response.status_code == 200
    assert (verdict["valid"], verdict["workflow"]) == (False, None)
    assert [(error["line"], error["column"], error["pointer"]) for error in verdict["errors"]] == [
        (4, 19, "/steps/0/type"),
        (5, 10, "/steps/1/id"),
    ]


def test_validate_accepts_and_stores_nothing(call: Call, in_acme: Any) -> None:
    body = {"yaml": HEAD + HELLO}
    verdict = call("post", "workflows/validate", body, scopes=("workflows:read",)).json()
    assert verdict["valid"] is True
    assert (verdict["errors"], verdict["warnings"]) == ([], [])
    assert verdict["workflow"]["name"] == "customer_support"


@pytest.mark.parametrize(
    "body", [{}, {"yaml": ""}, {"yaml": 3.5, "extra": 1}, {"yaml": "a", "extra": 1}, [1], "text"]
)
def test_body_that_breaks_the_contract_is_refused(call: Call, body: Any) -> None:
    response = call("post", "workflows/validate", body, scopes=("workflows:read",))
    assert response.status_code == 400
    assert response["Content-Type"].startswith("application/problem+json")


def test_publish_needs_the_write_scope_and_a_right_text(call: Call) -> None:
    good, bad = {"yaml": HEAD + HELLO}, {"yaml": HEAD}
    assert call("post", "workflows", good, scopes=("workflows:read",)).status_code == 403
    refused = call("post", "workflows", bad, scopes=("workflows:write",))
    assert refused.status_code == 422
    assert refused.json()["code"] == "workflow_invalid"
    assert refused.json()["errors"][0]["line"] == 3
    published = call("post", "workflows", good, scopes=("workflows:write",))
    assert published.status_code == 201
    assert published.json()["state"] == "published"


def test_run_is_told_with_its_events(call: Call, run: Run) -> None:
    found = call("get", f"runs/{run.pk}", scopes=("workflows:read",)).json()
    assert (found["status"], found["workflow"]) == ("completed", "customer_support")
    kinds = [event["type"] for event in found["events"]]
    assert kinds == ["run.started", "step.completed", "run.ended"]


def test_runs_are_listed_and_filtered(call: Call, run: Run) -> None:
    def ids(query: str) -> list[str]:
        page = call("get", f"runs?{query}", scopes=("workflows:read",)).json()
        return [item["id"] for item in page["results"]]

    assert ids("") == ids("status=completed") == [str(run.pk)]
    assert ids(f"conversation_id={run.conversation_id}") == [str(run.pk)]
    assert ids("status=active") == ids(f"conversation_id={uuid4()}") == []
    refused = call("get", "runs?conversation_id=x", scopes=("workflows:read",))
    assert refused.status_code == 400


def test_run_of_another_workspace_does_not_exist(call: Call, run: Run) -> None:
    theirs = call("get", f"runs/{run.pk}", scopes=("workflows:read",), slug="globex")
    assert theirs.status_code == 404
    assert theirs.json()["code"] == "run_not_found"
    page = call("get", "runs", scopes=("workflows:read",), slug="globex").json()
    assert page["results"] == []
