"""Replays by REST and on the run's page: who may see them, and how often."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from core.errors import RateLimited
from tests.workflows.conftest import HEAD, Say, said_by_ai
from workflows import replays, versions
from workflows.models import Run, RunEvent

HELLO = "  - {id: hello, type: reply, config: {text: Hello}}\n"
OTHER = HEAD.replace('"9"', '"10"') + HELLO.replace("Hello", "Ho")
Call = Callable[..., Any]
READ, WRITE = ("workflows:read",), ("workflows:write",)


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


def test_a_run_is_replayed_with_its_own_version_and_another(call: Call, run: Run) -> None:
    path = f"runs/{run.pk}/replay"
    own = call("get", path, scopes=READ).json()
    assert (own["is_same"], own["recorded_status"], own["replayed_status"]) == (
        True,
        "completed",
        "completed",
    )
    versions.workflow_publish(source=OTHER, published_by=None)
    before = RunEvent.objects.count()
    other = call("get", f"{path}?version=10", scopes=READ).json()
    step = other["steps"][0]
    assert (step["step_id"], step["way"], step["difference"]) == (
        "hello",
        "would_run",
        "changed_input",
    )
    assert step["after"]["config"]["text"] == "Ho"
    assert RunEvent.objects.count() == before
    assert run.conversation_id is not None
    assert said_by_ai(run.conversation_id) == ["Hello"]
    assert call("get", f"{path}?version=77", scopes=READ).status_code == 404


def test_reading_does_not_allow_to_ask_models(call: Call, run: Run) -> None:
    path = f"runs/{run.pk}/replay"
    assert call("post", path, {"tier": "SLM_A"}, scopes=READ).status_code == 403
    assert call("post", path, {"tier": "HUGE"}, scopes=WRITE).status_code == 400
    asked = call("post", path, {"tier": "SLM_A"}, scopes=WRITE)
    assert (asked.status_code, asked.json()["tier"]) == (200, "SLM_A")


def test_models_are_asked_again_so_often_and_no_more(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A limit of its own: the real one is shared by all tests of this workspace.
    monkeypatch.setattr(replays, "_ASKING", f"replay_asking_{uuid4().hex}")
    for _ in range(replays.ASKS_PER_HOUR):
        replays.replay_admit(run_id=run.pk, asks=True)
    with pytest.raises(RateLimited):
        replays.replay_admit(run_id=run.pk, asks=True)
    replays.replay_admit(run_id=run.pk)


def test_the_run_is_not_there_for_another_workspace(
    call: Call, run: Run, sign_in: Callable[..., Client]
) -> None:
    path = f"runs/{run.pk}/replay"
    assert call("get", path, scopes=READ, slug="globex").status_code == 404
    page = sign_in("globex", "owner").get(reverse("workflows:replay", args=[run.pk]))
    assert page.status_code == 404


def test_the_page_shows_the_replay_as_a_panel_and_by_itself(
    run: Run, sign_in: Callable[..., Client]
) -> None:
    client = sign_in("acme", "viewer")
    address = reverse("workflows:replay", args=[run.pk])
    assert address in client.get(reverse("workflows:run", args=[run.pk])).content.decode()
    whole = client.get(address).content.decode()
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert all("the same way" in page for page in (whole, part))
    assert ["<html" in page for page in (whole, part)] == [True, False]
    assert "the same way" not in client.get(f"{address}?version=77").content.decode()
