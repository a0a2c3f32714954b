"""Pages of what people decide about runs: who sees the buttons, and what they do."""

from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from core.tenancy import TenantContext
from tests.workflows.engine_tools import Shop, shop_open
from tests.workflows.test_run_api import APPROVAL, SAGA, begun
from workflows import steps
from workflows.engine import journal, saga
from workflows.explaining import run_explain
from workflows.models import Run, Wait

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[..., Client]
PAGE = "/workflows/runs-approvals/"


@pytest.fixture
def shop(in_acme: TenantContext) -> Iterator[Shop]:
    steps.load()
    with shop_open() as shop:
        yield shop


def test_agent_decides_and_the_run_goes_on(sign_in: SignIn, shop: Shop) -> None:
    run_id = begun(APPROVAL, number="A-1")
    asked = Wait.objects.get()
    client = sign_in("acme", "agent")
    page = client.get(PAGE).content.decode()
    assert "Refund it?" in page
    assert "Order A-1" in page
    done = client.post(f"{PAGE}{asked.pk}/", {"approved": "true", "comment": "fine"})
    assert done["Location"] == PAGE
    assert Run.objects.get(pk=run_id).status == "completed"
    again = client.post(f"{PAGE}{asked.pk}/", {"approved": "false"}, follow=True)
    assert "answered already" in again.content.decode()
    assert shop.done == ["refund A-1"]


def test_viewer_sees_what_is_asked_but_cannot_decide(sign_in: SignIn, shop: Shop) -> None:
    begun(APPROVAL, number="A-1")
    client = sign_in("acme", "viewer")
    assert "Approve</button>" not in client.get(PAGE).content.decode()
    refused = client.post(f"{PAGE}{Wait.objects.get().pk}/", {"approved": "true"})
    assert refused.status_code == 403
    assert Wait.objects.get().state == "open"


def test_request_of_another_workspace_is_not_shown(sign_in: SignIn, shop: Shop) -> None:
    begun(APPROVAL, number="A-1")
    client = sign_in("globex", "owner")
    assert "Refund it?" not in client.get(PAGE).content.decode()
    assert client.post(f"{PAGE}{Wait.objects.get().pk}/", {"approved": "true"}).status_code == 404


def test_waiting_run_says_what_for_and_is_cancelled_by_a_button(
    sign_in: SignIn, shop: Shop
) -> None:
    run_id = begun(APPROVAL, number="A-1")
    client = sign_in("acme", "owner")
    page = client.get(f"/workflows/runs/{run_id}/").content.decode()
    assert "What it waits for" in page
    assert "Cancel this run" in page
    client.post(f"/workflows/runs/{run_id}/cancel/")
    after = client.get(f"/workflows/runs/{run_id}/").content.decode()
    assert "The run was cancelled" in after
    assert "The run failed" not in after
    assert "Cancel this run" not in after


def test_stuck_run_shows_what_was_given_up_and_is_redriven(
    sign_in: SignIn, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saga, "RETRY_SECONDS", ())
    shop.fails = {"mail": 1, "refund": 1}
    run_id = begun(SAGA)
    client = sign_in("acme", "owner")
    page = client.get(f"/workflows/runs/{run_id}/").content.decode()
    assert "given up" in page
    assert "Not everything could be undone" in page
    assert "Try to undo again" in page
    done = client.post(f"/workflows/runs/{run_id}/redrive/", follow=True).content.decode()
    assert "given up" not in done
    assert Run.objects.get(pk=run_id).status == "compensated"


def test_timeline_shows_attempts_and_calls(sign_in: SignIn, shop: Shop) -> None:
    shop.fails = {"mail": 1}
    run_id = begun(
        "name: tries\nversion: '1'\nsteps:\n"
        "  - {id: tell, type: tool, tool: mail, config: {item: lamp},"
        " retry: {on: [any], max: 2, backoff: 1ms}}\n"
    )
    page = sign_in("acme", "owner").get(f"/workflows/runs/{run_id}/").content.decode()
    for shown in ("tool failed", "tried again", "tool answered", "The shop is busy."):
        assert shown in page
    rows = run_explain(journal.events(run_id), None).rows
    assert [row.outcome for row in rows] == ["call_failed", "retried", "called", "completed"]
    assert {row.kind for row in rows} == {"mail", "tool"}
