"""REST of versions, drafts and stops: scopes, states, clashes, and no other workspace's."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.workflows.conftest import HEAD, Say, said_by_ai
from tests.workflows.engine_tools import shop_open
from workflows.library import library
from workflows.models import Run

Call = Callable[..., Any]
Scopes = tuple[str, ...]
READ: Scopes = ("workflows:read",)
WRITE: Scopes = ("workflows:write",)
PATH = "workflows/customer_support"


def text(says: str) -> str:
    return HEAD + f"  - {{id: hello, type: reply, config: {{text: {says}}}}}\n"


@pytest.fixture
def call(api_key: Callable[..., str]) -> Call:
    """Return a function that calls the API of a workspace with a key of some scopes."""
    keys = {
        (slug, scopes): api_key(slug, *scopes)
        for slug in ("acme", "globex")
        for scopes in (READ, WRITE)
    }

    def called(
        method: str,
        path: str,
        body: Any = None,
        *,
        scopes: Scopes = WRITE,
        slug: str = "acme",
    ) -> Any:
        authorization = f"Bearer {keys[slug, scopes]}"
        client = Client(headers={"host": f"{slug}.localhost", "authorization": authorization})
        options = {"data": body, "content_type": "application/json"} if body is not None else {}
        return getattr(client, method)(f"/api/v1/{path}", **options)

    return called


@pytest.fixture
def recorded(call: Call) -> Callable[[str], str]:
    """Return a function that puts a text on record and returns its hash."""

    def record(source: str) -> str:
        answer = call("post", f"{PATH}/versions", {"yaml": source, "note": "n"})
        assert answer.status_code == 201, answer.content
        return str(answer.json()["content_hash"])

    return record


@pytest.fixture
def published(call: Call, recorded: Callable[[str], str]) -> Callable[[str], str]:
    def publish(says: str) -> str:
        found = recorded(text(says))
        call("post", f"{PATH}/versions/{found}/validate")
        answer = call("post", f"{PATH}/versions/{found}/publish", {})
        assert answer.json()["state"] == "published"
        return found

    return publish


def test_version_is_recorded_validated_and_published(
    call: Call, recorded: Callable[[str], str]
) -> None:
    found = recorded(text("Hello"))
    early = call("post", f"{PATH}/versions/{found}/publish", {})
    assert (early.status_code, early.json()["code"]) == (409, "workflow_version_not_publishable")
    verdict = call("post", f"{PATH}/versions/{found}/validate").json()
    assert verdict == {"state": "validated", "errors": [], "warnings": []}
    done = call("post", f"{PATH}/versions/{found}/publish", {"replaces": ""}).json()
    assert (done["state"], done["note"], done["yaml"], done["active_runs"]) == (
        "published", "n", text("Hello"), 0,
    )  # fmt: skip
    stale = call("post", f"{PATH}/versions/{recorded(text('Hi'))}/publish", {"replaces": ""})
    assert (stale.status_code, stale.json()["code"]) == (409, "publish_clash")


def test_effect_that_nothing_protects_is_a_warning_and_no_mistake(
    call: Call, recorded: Callable[[str], str]
) -> None:
    with shop_open():
        found = recorded(HEAD + "  - {id: get, type: tool, tool: fetch, config: {item: lamp}}\n")
        verdict = call("post", f"{PATH}/versions/{found}/validate").json()
    assert (verdict["state"], verdict["errors"]) == ("validated", [])
    (warning,) = verdict["warnings"]
    assert (warning["line"], warning["severity"], warning["file"]) == (4, "warning", "")
    assert "give the step a 'compensate'" in warning["message"]


def test_mistakes_of_a_draft_are_located(call: Call, recorded: Callable[[str], str]) -> None:
    found = recorded(HEAD + "  - {id: a, type: magic}\n")
    verdict = call("post", f"{PATH}/versions/{found}/validate").json()
    assert verdict["state"] == "draft"
    assert (verdict["errors"][0]["line"], verdict["errors"][0]["column"]) == (4, 19)


def test_rollback_and_retire_lead_back(call: Call, published: Callable[[str], str]) -> None:
    one = published("One")
    refused = call("post", f"{PATH}/rollback")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_roll_back")
    published("Two")
    assert call("post", f"{PATH}/rollback").json()["content_hash"] == one
    assert call("post", f"{PATH}/retire").status_code == 204
    now = {w["name"]: w["content_hash"] for w in call("get", "workflows", scopes=READ).json()}
    assert now["customer_support"] == library()["customer_support"].content_hash


def test_versions_are_listed_newest_first(call: Call, published: Callable[[str], str]) -> None:
    one, two = published("One"), published("Two")
    page = call("get", f"{PATH}/versions", scopes=READ).json()
    assert [(row["content_hash"], row["state"]) for row in page["results"]] == [
        (two, "published"),
        (one, "retired"),
    ]
    assert "yaml" not in page["results"][0]


def test_two_versions_are_compared(call: Call, published: Callable[[str], str]) -> None:
    one, two = published("One"), published("Two")
    diff = call("get", f"{PATH}/compare?before={one}&after={two}", scopes=READ).json()
    assert (diff["added"], diff["removed"], diff["changed"]) == ([], [], ["hello"])
    assert "+  - {id: hello, type: reply, config: {text: Two}}" in diff["unified"]
    assert call("get", f"{PATH}/compare?before={one}", scopes=READ).status_code == 400
    unknown = call("get", f"{PATH}/compare?before={one}&after={'0' * 64}", scopes=READ)
    assert unknown.json()["code"] == "workflow_version_not_found"


def test_draft_is_continued_and_never_overwritten_unseen(call: Call) -> None:
    begun = call("post", f"{PATH}/drafts", {"title": "Better", "yaml": "name: ["}).json()
    path = f"{PATH}/drafts/{begun['id']}"
    body = {"yaml": "name: x", "revision": 1}
    assert call("put", path, body).json()["revision"] == 2
    clash = call("put", path, body)
    assert (clash.status_code, clash.json()["code"], clash.json()["revision"]) == (
        409, "workflow_draft_clash", 2,
    )  # fmt: skip
    again = call("post", f"{PATH}/drafts", {"title": "Better", "yaml": "a"})
    assert again.json()["code"] == "workflow_draft_title_taken"
    listed = call("get", f"{PATH}/drafts", scopes=READ).json()["results"]
    assert [draft["title"] for draft in listed] == ["Better"]
    assert call("get", path, scopes=READ).json()["yaml"] == "name: x"
    assert [call("delete", path).status_code for _ in range(2)] == [204, 404]


def test_stop_and_resume_tell_what_holds(
    call: Call, use_workflow: Callable[[str], None], say: Say, conversation: Any
) -> None:
    use_workflow("  - {id: hello, type: reply, config: {text: Hello}}\n")
    say("hi")
    Run.objects.update(status="running", result={})
    stopped = call("post", "workflows/stop", {}).json()
    assert (stopped["ended"], stopped["left"]) == (1, 0)
    assert [stop["workflow"] for stop in stopped["stops"]] == [""]
    assert call("get", "workflows/stop", scopes=READ).json()["stops"] == stopped["stops"]
    say("anybody?")
    assert said_by_ai(conversation) == ["Hello"]
    assert call("post", "workflows/resume", {}).json()["stops"] == []


def test_one_workflow_is_stopped_alone(call: Call) -> None:
    stopped = call("post", "workflows/stop", {"workflow": "faq_handling"}).json()
    assert [stop["workflow"] for stop in stopped["stops"]] == ["faq_handling"]
    unknown = call("post", "workflows/stop", {"workflow": "nope"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "workflow_not_found")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", f"{PATH}/versions", {"yaml": "a"}),
        ("post", f"{PATH}/versions/{'0' * 64}/validate", None),
        ("post", f"{PATH}/versions/{'0' * 64}/publish", {}),
        ("post", f"{PATH}/rollback", None),
        ("post", f"{PATH}/retire", None),
        ("post", f"{PATH}/drafts", {"yaml": "a", "title": "b"}),
        ("post", "workflows/stop", {}),
        ("post", "workflows/resume", {}),
    ],
)
def test_writing_needs_the_write_scope(call: Call, method: str, path: str, body: Any) -> None:
    refused = call(method, path, body, scopes=READ)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


def test_other_workspace_sees_neither_versions_nor_drafts_nor_stops(
    call: Call, published: Callable[[str], str]
) -> None:
    one = published("One")
    draft = call("post", f"{PATH}/drafts", {"title": "Ours", "yaml": "a"}).json()
    call("post", "workflows/stop", {})

    def theirs(path: str) -> Any:
        return call("get", path, scopes=READ, slug="globex")

    assert theirs(f"{PATH}/versions").json()["results"] == []
    assert theirs(f"{PATH}/drafts").json()["results"] == []
    assert theirs("workflows/stop").json()["stops"] == []
    assert theirs(f"{PATH}/versions/{one}").status_code == 404
    assert theirs(f"{PATH}/drafts/{draft['id']}").status_code == 404
