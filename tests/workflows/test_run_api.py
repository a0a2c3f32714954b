"""REST of approvals, cancelling and redriving: who may, what if twice, and whose runs."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from core.audit.models import AuditEntry
from core.tenancy import TenantContext
from tests.workflows.engine_steps import new_run
from tests.workflows.engine_tools import Shop, shop_open
from workflows import services, steps, versions
from workflows.engine import saga
from workflows.models import Run, Wait
from workflows.selectors import graph_get

pytestmark = pytest.mark.django_db(transaction=True)
Call = Callable[..., Any]
APPROVAL = """\
name: refunds
version: "1"
steps:
  - {id: may, type: approval, config: {title: Refund it?, details: "Order ${ input.number }"}}
  - {id: pay, type: tool, tool: refund, if: approved, config: {item: "${ input.number }"}}
"""
SAGA = """\
name: orders
version: "1"
steps:
  - id: take
    type: tool
    tool: charge
    config: {item: lamp}
    compensate: {tool: refund, input: {item: lamp}}
  - {id: send, type: tool, tool: mail, config: {item: lamp}}
"""


@pytest.fixture
def shop(in_acme: TenantContext) -> Iterator[Shop]:
    steps.load()
    with shop_open() as shop:
        yield shop


@pytest.fixture
def call(api_key: Callable[..., str]) -> Call:
    """Return a function that calls the API of a workspace with a key of some scopes."""

    def called(
        method: str, path: str, body: Any = None, *, scopes: tuple[str, ...], slug: str = "acme"
    ) -> Any:
        authorization = f"Bearer {api_key(slug, *scopes)}"
        client = Client(headers={"host": f"{slug}.localhost", "authorization": authorization})
        options = {"data": body, "content_type": "application/json"} if body is not None else {}
        return getattr(client, method)(f"/api/v1/{path}", **options)

    return called


def begun(source: str, **values: Any) -> UUID:
    """Start a run of a text and drive it as far as it goes."""
    made = versions.workflow_publish(source=source, published_by=None)
    run_id = new_run(graph_get(workflow=made.name, content_hash=made.content_hash), **values)
    services.run_execute(run_id=run_id)
    return run_id


@pytest.mark.parametrize(("approved", "done"), [(True, ["refund A-1"]), (False, [])])
def test_decision_is_put_on_record_and_wakes_the_run(
    call: Call, shop: Shop, approved: bool, done: list[str]
) -> None:
    run_id = begun(APPROVAL, number="A-1")
    [asked] = call("get", "approvals", scopes=("workflows:read",)).json()["results"]
    assert (asked["state"], asked["asked"]["details"]) == ("open", "Order A-1")
    body = {"approved": approved, "comment": "As agreed"}
    path = f"approvals/{asked['id']}"
    told = call("post", path, body, scopes=("conversations:write",)).json()
    assert (told["state"], told["answer"]) == ("answered", body)
    assert Run.objects.get(pk=run_id).status == "completed"
    assert shop.done == done
    again = call("post", path, body, scopes=("conversations:write",))
    assert (again.status_code, again.json()["code"]) == (409, "wait_over")
    assert AuditEntry.objects.filter(act="approval.decided").count() == 1
    assert call("get", "approvals", scopes=("workflows:read",)).json()["results"] == []


def test_approval_of_another_workspace_is_not_there(call: Call, shop: Shop) -> None:
    begun(APPROVAL, number="A-1")
    path = f"approvals/{Wait.objects.get().pk}"
    body = {"approved": True}
    scopes = ("workflows:read", "conversations:write")
    assert call("get", path, scopes=scopes, slug="globex").status_code == 404
    assert call("post", path, body, scopes=scopes, slug="globex").status_code == 404
    assert call("get", "approvals", scopes=scopes, slug="globex").json()["results"] == []
    assert Wait.objects.get().state == "open"


def test_decision_without_a_word_is_told_what_is_missing(call: Call, shop: Shop) -> None:
    begun(APPROVAL, number="A-1")
    path = f"approvals/{Wait.objects.get().pk}"
    answer = call("post", path, {"comment": "?"}, scopes=("conversations:write",))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/approved"


def test_waiting_run_is_cancelled_once_and_stays_so(call: Call, shop: Shop) -> None:
    run_id = begun(APPROVAL, number="A-1")
    path = f"runs/{run_id}/cancel"
    first = call("post", path, {"reason": "changed my mind"}, scopes=("workflows:write",)).json()
    again = call("post", path, {}, scopes=("workflows:write",)).json()
    assert (first["status"], again["status"]) == ("cancelled", "cancelled")
    assert Wait.objects.get().state == "cancelled"
    assert AuditEntry.objects.filter(act="run.cancelled").count() == 1


def test_stuck_run_is_undone_when_redriven(
    call: Call, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saga, "RETRY_SECONDS", ())
    shop.fails = {"mail": 1, "refund": 1}
    run_id = begun(SAGA)
    path = f"runs/{run_id}/redrive"
    assert Run.objects.get(pk=run_id).status == "stuck"
    told = call("post", path, scopes=("workflows:write",))
    assert (told.status_code, told.json()["status"]) == (200, "compensated")
    assert shop.done == ["charge lamp", "refund lamp"]
    again = call("post", path, scopes=("workflows:write",))
    assert (again.status_code, again.json()["code"]) == (409, "run_not_stuck")
