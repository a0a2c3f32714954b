"""Pages show what ran, to those who may see it, in their own workspace only."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core import tenancy
from tests.workflows.conftest import HEAD, Say, queries_of
from tests.workflows.engine_tools import shop_open
from workflows.library import library
from workflows.models import Run, RunEvent, WorkflowVersion
from workflows.spec.loading import content_hash

HELLO = "  - {id: hello, type: reply, config: {text: Hello}}\n"
PAGES = ["/workflows/", "/workflows/customer_support/", "/workflows/runs/"]
SignIn = Callable[..., Client]


@pytest.fixture
def run(use_workflow: Callable[[str], None], say: Say) -> Run:
    use_workflow(HELLO + "  - {id: person, type: escalation, if: text = 'x'}\n")
    say("What about <script>alert(1)</script>?")
    return Run.objects.get()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", ["owner", "admin", "agent", "viewer"])
def test_page_opens_for_members(sign_in: SignIn, page: str, role: str) -> None:
    assert sign_in("acme", role).get(page).status_code == 200


@pytest.mark.parametrize("page", [*PAGES, "/workflows/customer_support/edit/"])
def test_page_sends_strangers_to_sign_in(sign_in: SignIn, page: str) -> None:
    response = sign_in("acme", None).get(page)
    assert response.status_code == 302
    assert response["Location"].startswith("/login/")


def test_member_of_another_workspace_is_a_stranger(sign_in: SignIn, run: Run) -> None:
    client = sign_in("globex", "owner")
    assert client.get(reverse("workflows:run", args=[run.pk])).status_code == 404
    assert str(run.pk) not in client.get("/workflows/runs/").content.decode()


def test_index_lists_the_library(sign_in: SignIn) -> None:
    page = sign_in().get("/workflows/").content.decode()
    assert all(name in page for name in library())


def test_workflow_page_shows_graph_and_text(sign_in: SignIn) -> None:
    page = sign_in().get("/workflows/customer_support/").content.decode()
    assert page.count('class="graph-step') == len(library()["customer_support"].nodes)
    assert "style=" not in page
    assert "not_in_documents" in page


def test_text_this_release_cannot_read_is_shown_with_its_mistakes(
    sign_in: SignIn, in_acme: Any
) -> None:
    source = HEAD + "  - {id: a, type: gone_with_the_release}\n"
    WorkflowVersion.objects.create(
        name="customer_support",
        version="9",
        content_hash=content_hash(source),
        source=source,
        state="published",
    )
    client = sign_in()
    assert "cannot be read" in client.get("/workflows/").content.decode()
    assert "line 4, column 19" in client.get("/workflows/customer_support/").content.decode()
    assert client.get("/workflows/customer_support/edit/").status_code == 200
    assert client.get("/workflows/runs/").status_code == 200


def test_unknown_workflow_and_run_are_not_found(sign_in: SignIn) -> None:
    client = sign_in()
    assert client.get("/workflows/nope/").status_code == 404
    assert client.get(f"/workflows/runs/{uuid4()}/").status_code == 404


def test_run_page_explains_the_answer(sign_in: SignIn, run: Run) -> None:
    page = sign_in("acme", "agent").get(reverse("workflows:run", args=[run.pk])).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page
    assert "is-completed" in page
    assert "is-skipped" in page
    assert "hx-get" not in page  # over: nothing to wait for


def test_running_run_asks_for_itself_again(sign_in: SignIn, run: Run) -> None:
    Run.objects.update(status="running")
    address = reverse("workflows:run", args=[run.pk])
    client = sign_in()
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert part.strip().startswith('<div id="run"')
    run.refresh_from_db()
    again = f"{address}?seen=running-{run.seq}"
    assert f'hx-get="{again}"' in part
    assert client.get(again, headers={"HX-Request": "true"}).status_code == 204  # nothing new
    Run.objects.update(status="completed")
    assert client.get(again, headers={"HX-Request": "true"}).status_code == 200


def test_run_whose_version_cannot_be_read_still_opens(sign_in: SignIn, run: Run) -> None:
    Run.objects.update(content_hash="0" * 64)
    assert sign_in().get(reverse("workflows:run", args=[run.pk])).status_code == 200


@pytest.mark.parametrize("lost", [[1], [1, 2, 3, 4, 5]])
def test_run_with_lost_events_still_opens(sign_in: SignIn, run: Run, lost: list[int]) -> None:
    RunEvent.objects.filter(run_id=run.pk, seq__in=lost).delete()
    assert sign_in().get(reverse("workflows:run", args=[run.pk])).status_code == 200


@pytest.mark.parametrize(
    ("query", "shown"),
    [("", True), ("status=completed", True), ("status=failed", False), ("status=active", False),
     ("workflow=customer_support", True), ("workflow=faq_handling", False), ("status=bad", True)],
)  # fmt: skip
def test_runs_are_filtered(sign_in: SignIn, run: Run, query: str, shown: bool) -> None:
    page = sign_in().get(f"/workflows/runs/?{query}").content.decode()
    assert (str(run.pk) in page) is shown


def test_runs_page_costs_the_same_for_one_and_three(sign_in: SignIn, run: Run, say: Say) -> None:
    client = sign_in()
    with CaptureQueriesContext(connection) as one:
        client.get("/workflows/runs/")
    say("and this?")
    say("and that?")
    with CaptureQueriesContext(connection) as three:
        client.get("/workflows/runs/")
    assert queries_of(three) == queries_of(one) > 0


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("agent", 403), ("viewer", 403)])
def test_only_who_may_write_edits(sign_in: SignIn, role: str, status: int) -> None:
    assert sign_in("acme", role).get("/workflows/customer_support/edit/").status_code == status


def test_edit_tells_mistakes_and_keeps_the_text(sign_in: SignIn) -> None:
    data = {"source": HEAD + "  - {id: a, type: magic}\n", "action": "publish"}
    response = sign_in().post("/workflows/customer_support/edit/", data)
    page = response.content.decode()
    assert response.status_code == 422
    assert "line 4, column 19" in page
    assert "type: magic" in page


def test_edit_shows_advice_beside_the_good_news(sign_in: SignIn) -> None:
    source = HEAD + "  - {id: get, type: tool, tool: fetch, config: {item: lamp}}\n"
    with shop_open():
        page = sign_in().post("/workflows/customer_support/edit/", {"source": source})
    shown = page.content.decode()
    assert "No mistakes found" in shown
    assert "cannot be repeated safely" in shown


def test_edit_checks_without_publishing_and_publishes(sign_in: SignIn, in_acme: Any) -> None:
    client = sign_in()
    source = (HEAD + HELLO).replace("\n", "\r\n")  # as browsers send it
    checked = client.post("/workflows/customer_support/edit/", {"source": source})
    assert checked.status_code == 200
    assert not WorkflowVersion.objects.filter(state="published").exists()
    data = {"source": source, "action": "publish"}
    assert client.post("/workflows/customer_support/edit/", data).status_code == 302
    assert WorkflowVersion.objects.get(state="published").source == HEAD + HELLO
    with tenancy.tenant_scope(in_acme):
        assert WorkflowVersion.objects.get().published_by is not None
