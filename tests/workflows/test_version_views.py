"""Pages of versions: keep, validate, publish, go back, compare, stop; by those who may."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.tenancy import TenantContext
from tests.workflows.conftest import HEAD, queries_of
from workflows import drafts, stopping, stops, versions
from workflows.models import WorkflowDraft, WorkflowVersion

SignIn = Callable[..., Client]
NAME = "customer_support"
PAGE = f"/workflows/{NAME}/"


def text(says: str) -> str:
    return HEAD + f"  - {{id: hello, type: reply, config: {{text: {says}}}}}\n"


def published(says: str, **values: Any) -> WorkflowVersion:
    return versions.workflow_publish(source=text(says), published_by=None, **values)


def state(says: str) -> str:
    return WorkflowVersion.objects.get(source=text(says)).state


def test_history_shows_states_notes_and_people(
    sign_in: SignIn, in_acme: TenantContext, people: dict[tuple[str, str], Any]
) -> None:
    owner = people["acme", "owner"]
    versions.workflow_publish(
        source=text("One"), published_by=owner.pk, note="<b>First</b> greeting"
    )
    versions.version_draft(workflow=NAME, source=text("Two"), author=owner.pk)
    page = sign_in("acme", "viewer").get(f"{PAGE}versions/").content.decode()
    for shown in ("published", "draft", "&lt;b&gt;First&lt;/b&gt; greeting", owner.display_name):
        assert shown in page
    assert "<form" not in page.split("<main")[1]  # a viewer changes nothing


def test_history_costs_the_same_for_one_and_three_versions(
    sign_in: SignIn, in_acme: TenantContext
) -> None:
    client = sign_in()
    published("One")
    with CaptureQueriesContext(connection) as one:
        client.get(f"{PAGE}versions/")
    published("Two")
    published("Three")
    with CaptureQueriesContext(connection) as three:
        page = client.get(f"{PAGE}versions/").content.decode()
    assert page.count("edit/?version=") == 3
    assert queries_of(three) == queries_of(one) > 0


def test_draft_with_mistakes_is_kept_continued_and_published(
    sign_in: SignIn, in_acme: TenantContext, people: dict[tuple[str, str], Any]
) -> None:
    wrong = {"source": "name: [", "title": "Better", "action": "save"}
    kept = sign_in("acme", "owner").post(f"{PAGE}edit/", wrong)
    draft = WorkflowDraft.objects.get()
    assert kept["Location"] == f"{PAGE}edit/?draft={draft.pk}"
    client = sign_in("acme", "admin")
    assert "name: [" in client.get(kept["Location"]).content.decode()
    right = {**wrong, "source": text("One").replace("\n", "\r\n"), "revision": "1"}
    client.post(kept["Location"], right)
    draft.refresh_from_db()
    assert (draft.source, draft.revision) == (text("One"), 2)
    assert (draft.author, draft.edited_by) == (
        people["acme", "owner"].pk,
        people["acme", "admin"].pk,
    )
    done = client.post(kept["Location"], {**right, "revision": "2", "action": "publish"})
    assert done.status_code == 302
    assert state("One") == "published"
    assert not WorkflowDraft.objects.exists()


def test_draft_saved_by_another_meanwhile_is_not_overwritten(
    sign_in: SignIn, in_acme: TenantContext
) -> None:
    draft = drafts.draft_create(workflow=NAME, title="Better", source="a", author=None)
    drafts.draft_save(workflow=NAME, draft_id=draft.pk, revision=1, source="theirs", edited_by=None)
    data = {"source": "mine", "title": "Better", "revision": "1", "action": "save"}
    answer = sign_in().post(f"{PAGE}edit/?draft={draft.pk}", data)
    assert answer.status_code == 409
    assert "mine" in answer.content.decode()
    draft.refresh_from_db()
    assert draft.source == "theirs"


def test_draft_that_somebody_goes_on_with_outlives_its_publishing(
    sign_in: SignIn, in_acme: TenantContext
) -> None:
    draft = drafts.draft_create(workflow=NAME, title="Better", source="a", author=None)
    drafts.draft_save(workflow=NAME, draft_id=draft.pk, revision=1, source="b", edited_by=None)
    data = {"source": text("One"), "title": "Better", "revision": "1", "action": "publish"}
    assert sign_in().post(f"{PAGE}edit/?draft={draft.pk}", data).status_code == 302
    assert WorkflowDraft.objects.get().source == "b"


def test_text_is_validated_now_and_published_by_another_later(
    sign_in: SignIn, in_acme: TenantContext
) -> None:
    sign_in().post(f"{PAGE}edit/", {"source": text("One"), "note": "n", "action": "record"})
    assert state("One") == "validated"
    version = WorkflowVersion.objects.get(source=text("One"))
    page = f"{PAGE}versions/{version.content_hash}/publish/"
    sign_in("acme", "admin").post(page, {"replaces": ""})
    assert state("One") == "published"


def test_text_with_mistakes_is_recorded_and_its_mistakes_are_shown(
    sign_in: SignIn, in_acme: TenantContext
) -> None:
    wrong = HEAD + "  - {id: a, type: magic}\n"
    answer = sign_in().post(f"{PAGE}edit/", {"source": wrong, "action": "record"})
    assert answer.status_code == 422
    assert "line 4, column 19" in answer.content.decode()
    assert WorkflowVersion.objects.get(source=wrong).state == "draft"


def test_publishing_what_replaces_something_else_meanwhile_is_told(
    sign_in: SignIn, in_acme: TenantContext
) -> None:
    published("One")
    data = {"source": text("Mine"), "replaces": "", "action": "publish"}
    answer = sign_in().post(f"{PAGE}edit/", data)
    assert answer.status_code == 409
    assert "Mine" in answer.content.decode()
    assert state("One") == "published"


def test_one_click_rolls_back(sign_in: SignIn, in_acme: TenantContext) -> None:
    published("One")
    published("Two")
    client = sign_in()
    page = client.post(f"{PAGE}rollback/", follow=True).content.decode()
    assert "Rolled back to" in page
    assert (state("One"), state("Two")) == ("published", "retired")
    client.post(f"{PAGE}retire/")
    assert state("One") == "retired"


def test_rollback_without_anything_before_says_so(sign_in: SignIn, in_acme: TenantContext) -> None:
    page = sign_in().post(f"{PAGE}rollback/", follow=True).content.decode()
    assert "no earlier published version" in page


def test_compare_shows_steps_and_lines_escaped(sign_in: SignIn, in_acme: TenantContext) -> None:
    one, two = published("One"), published("<i>Two</i>")
    query = f"before={one.content_hash}&after={two.content_hash}"
    page = sign_in("acme", "viewer").get(f"{PAGE}compare/?{query}").content.decode()
    assert '<span class="is-added">+' in page
    assert "&lt;i&gt;Two&lt;/i&gt;" in page
    assert "<i>Two</i>" not in page
    assert sign_in().get(f"{PAGE}compare/?before=x").status_code == 302
    missing = query.replace(two.content_hash, "0" * 64)
    assert sign_in().get(f"{PAGE}compare/?{missing}").status_code == 404


def test_all_runs_are_stopped_and_resumed_by_those_who_may(
    sign_in: SignIn, in_acme: TenantContext
) -> None:
    owner = sign_in("acme", "owner")
    assert "Stop all runs?" in owner.get("/workflows/").content.decode()
    for role, status in (("agent", 403), ("viewer", 403), ("owner", 302)):
        assert sign_in("acme", role).post("/workflows/runs-stop/").status_code == status
    assert stops.runs_are_stopped()
    shown = owner.get("/workflows/").content.decode()
    assert "Runs are stopped" in shown
    assert "Stop all runs?" not in shown
    agents = sign_in("acme", "agent").get("/workflows/").content.decode()
    assert "Runs are stopped" in agents
    assert "runs-resume" not in agents
    owner.post("/workflows/runs-resume/")
    assert not stops.runs_are_stopped()


def test_stop_of_one_workspace_is_not_shown_in_another(
    sign_in: SignIn, in_acme: TenantContext, globex: TenantContext
) -> None:
    stopping.runs_stop()
    assert "Runs are stopped" not in sign_in("globex").get("/workflows/").content.decode()


def test_workflow_that_answers_no_more_can_be_found_and_published_again(
    sign_in: SignIn, in_acme: TenantContext
) -> None:
    source = text("Hi").replace(NAME, "our_own")
    versions.workflow_publish(source=source, published_by=None)
    client = sign_in()
    client.post("/workflows/our_own/retire/")
    assert "/workflows/our_own/versions/" in client.get("/workflows/").content.decode()
    assert (
        source.split("text: ")[1].strip() in client.get("/workflows/our_own/edit/").content.decode()
    )
    client.post("/workflows/our_own/rollback/")
    assert versions.version_current(workflow="our_own").name == "our_own"


def test_draft_of_no_uuid_is_a_bad_request(sign_in: SignIn, in_acme: TenantContext) -> None:
    assert sign_in().get(f"{PAGE}edit/?draft=x").status_code == 400
    missing = UUID(int=7)
    assert sign_in().get(f"{PAGE}edit/?draft={missing}").status_code == 404
