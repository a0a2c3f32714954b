"""Versions: from a text on record to the one that answers, back again, and never two at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from core import tenancy
from core.audit.models import AuditEntry
from core.tenancy import TenantContext
from tests.workflows.conftest import HEAD, Say, said_by_ai
from workflows import selectors, versions
from workflows.errors import (
    NothingToRollBack,
    PublishClash,
    VersionNotFound,
    VersionNotPublishable,
    WorkflowInvalid,
    WorkflowNotFound,
)
from workflows.library import library
from workflows.models import Run, WorkflowVersion
from workflows.spec.errors import SpecProblem
from workflows.spec.loading import content_hash

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "customer_support"


def text(says: str) -> str:
    return HEAD + f"  - {{id: hello, type: reply, config: {{text: {says}}}}}\n"


WRONG = HEAD + "  - {id: a, type: magic}\n"


def recorded(says: str, **values: Any) -> WorkflowVersion:
    return versions.version_draft(workflow=NAME, source=text(says), **values)


def validated(says: str) -> WorkflowVersion:
    version = recorded(says)
    return versions.version_validate(workflow=NAME, content_hash=version.content_hash)[0]


def published(says: str) -> WorkflowVersion:
    return publish(validated(says))


def publish(version: WorkflowVersion, **values: Any) -> WorkflowVersion:
    return versions.version_publish(
        workflow=NAME, content_hash=version.content_hash, published_by=None, **values
    )


def states() -> dict[str, str]:
    """Map what each own version says to its state."""
    rows = WorkflowVersion.objects.exclude(state="library").values_list("source", "state")
    return {source.split("text: ")[1].split("}")[0]: state for source, state in rows}


def acts(tenant: TenantContext) -> list[tuple[str, str]]:
    found = AuditEntry.objects.filter(tenant_id=tenant.id, act__startswith="workflow.")
    return list(found.order_by("seq").values_list("act", "data"))


def test_version_goes_from_draft_to_validated_to_published(in_acme: TenantContext) -> None:
    author = uuid4()
    draft = recorded("Hello", note="Greets.", author=author)
    assert (draft.state, draft.note, draft.author, draft.version) == (
        "draft", "Greets.", author, "9",
    )  # fmt: skip
    with pytest.raises(VersionNotPublishable):
        publish(draft)
    version, problems = versions.version_validate(workflow=NAME, content_hash=draft.content_hash)
    assert (version.state, problems) == ("validated", ())
    assert versions.version_current(workflow=NAME).version == "1.0"  # the library's, so far
    assert publish(version).state == "published"
    assert versions.version_current(workflow=NAME).content_hash == draft.content_hash


def test_draft_with_mistakes_is_kept_and_stays_a_draft(in_acme: TenantContext) -> None:
    draft = versions.version_draft(workflow=NAME, source=WRONG)
    assert draft.version == ""
    version, problems = versions.version_validate(workflow=NAME, content_hash=draft.content_hash)
    assert version.state == "draft"
    assert [(problem.line, problem.column) for problem in problems] == [(4, 19)]


def test_draft_that_takes_another_name_is_not_validated(in_acme: TenantContext) -> None:
    source = text("Hi").replace("customer_support", "something_else")
    draft = versions.version_draft(workflow=NAME, source=source)
    _version, problems = versions.version_validate(workflow=NAME, content_hash=draft.content_hash)
    assert [problem.pointer for problem in problems] == ["/name"]


def test_every_validator_is_asked_before_anything_is_published(
    in_acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = validated("Hello")

    def refuse(workflow: str, source: str) -> list[SpecProblem]:
        return [SpecProblem(2, 3, "/steps", f"{workflow} greets nobody.")]

    monkeypatch.setattr(versions, "VALIDATORS", [*versions.VALIDATORS, refuse])
    with pytest.raises(WorkflowInvalid) as caught:
        publish(version)
    assert caught.value.data["errors"][0]["message"] == "customer_support greets nobody."
    again = versions.version_validate(workflow=NAME, content_hash=version.content_hash)[0]
    assert again.state == "draft"


def test_text_put_on_record_twice_is_one_version(in_acme: TenantContext) -> None:
    first, second = recorded("Hello", note="one"), recorded("Hello", note="two")
    assert (first.pk, second.note) == (second.pk, "one")
    published("Hello")
    assert recorded("Hello").state == "published"


def test_only_the_newest_unpublished_texts_are_kept(
    in_acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "UNPUBLISHED_KEPT", 2)
    published("Zero")
    for says in ("One", "Two", "Three"):
        recorded(says)
    assert states() == {"Zero": "published", "Two": "draft", "Three": "draft"}


def test_rollback_publishes_the_version_before_and_leads_back(in_acme: TenantContext) -> None:
    for says in ("One", "Two", "Three"):
        published(says)
    versions.version_rollback(workflow=NAME, published_by=None)
    assert states() == {"One": "retired", "Two": "published", "Three": "retired"}
    versions.version_rollback(workflow=NAME, published_by=None)
    assert states() == {"One": "retired", "Two": "retired", "Three": "published"}


def test_rollback_without_an_earlier_version_is_refused(in_acme: TenantContext) -> None:
    published("One")
    with pytest.raises(NothingToRollBack):
        versions.version_rollback(workflow=NAME, published_by=None)
    with pytest.raises(WorkflowNotFound):
        versions.version_rollback(workflow="nope", published_by=None)


def test_rollback_to_a_text_this_release_cannot_read_is_refused(in_acme: TenantContext) -> None:
    WorkflowVersion.objects.create(
        name=NAME, version="8", content_hash=content_hash(WRONG), source=WRONG, state="retired"
    )
    kept = published("One")
    with pytest.raises(WorkflowInvalid):
        versions.version_rollback(workflow=NAME, published_by=None)
    assert versions.version_current(workflow=NAME).content_hash == kept.content_hash


def test_retired_version_leaves_the_library_to_answer(in_acme: TenantContext) -> None:
    published("One")
    retired = versions.version_retire(workflow=NAME)
    assert retired is not None
    assert versions.version_current(workflow=NAME).source == library()[NAME].source
    assert versions.version_retire(workflow=NAME) is None
    versions.version_rollback(workflow=NAME, published_by=None)
    assert states() == {"One": "published"}


def test_own_workflow_that_is_retired_answers_no_more_and_is_listed(
    in_acme: TenantContext,
) -> None:
    source = text("Hi").replace(NAME, "our_own")
    versions.workflow_publish(source=source, published_by=None)
    versions.version_retire(workflow="our_own")
    with pytest.raises(WorkflowNotFound):
        versions.version_current(workflow="our_own")
    assert selectors.workflows_silent() == ["our_own"]
    assert selectors.source_latest(workflow="our_own") == source


def test_library_text_can_be_kept_as_the_published_one(in_acme: TenantContext) -> None:
    ours = versions.version_current(workflow=NAME)
    version = versions.workflow_publish(source=ours.source, published_by=None)
    assert (version.state, version.content_hash) == ("published", ours.content_hash)


def test_publishing_what_replaces_something_else_meanwhile_clashes(in_acme: TenantContext) -> None:
    first = published("One")
    mine, theirs = validated("Mine"), validated("Theirs")
    publish(theirs, replaces=first.content_hash)
    with pytest.raises(PublishClash):
        publish(mine, replaces=first.content_hash)
    with pytest.raises(PublishClash):
        publish(mine, replaces="")
    assert states()["Theirs"] == "published"
    publish(mine, replaces=theirs.content_hash)
    assert states()["Mine"] == "published"


def test_several_publishers_at_once_leave_one_version_and_tell_the_others(
    in_acme: TenantContext,
) -> None:
    first = published("One")
    rivals = [validated(f"Rival {number}") for number in range(6)]

    def attempt(version: WorkflowVersion) -> bool:
        try:
            publish(version, replaces=first.content_hash)
        except PublishClash:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(copy_context().run, attempt, version) for version in rivals]
        won = [future.result() for future in done]
    assert won.count(True) == 1
    now = versions.version_current(workflow=NAME)
    assert now.content_hash == rivals[won.index(True)].content_hash


def test_acts_are_audited_with_what_replaced_what(in_acme: TenantContext) -> None:
    one, two = published("One"), published("Two")
    publish(two)  # again: nothing happened
    versions.version_retire(workflow=NAME)
    found = acts(in_acme)
    assert [act for act, _data in found] == [
        *("workflow.drafted", "workflow.validated", "workflow.published") * 2,
        "workflow.retired",
    ]
    assert one.content_hash in found[5][1]
    assert two.content_hash in found[5][1]
    assert "Two" not in "".join(data for _act, data in found)  # hashes, never texts


def test_next_run_uses_what_was_published_meanwhile(
    say: Say, conversation: UUID, use_workflow: Callable[[str], None]
) -> None:
    published("One")
    say("hi")
    two = published("Two")
    say("hi again")
    assert said_by_ai(conversation) == ["One", "Two"]
    versions.version_rollback(workflow=NAME, published_by=None)
    say("and now")
    assert said_by_ai(conversation)[-1] == "One"
    assert Run.objects.filter(content_hash=two.content_hash).count() == 1


def test_versions_are_listed_with_the_runs_that_go_on(say: Say, conversation: UUID) -> None:
    one = published("One")
    say("hi")
    two = published("Two")
    Run.objects.update(status="running")
    rows: Any = selectors.version_list(workflow=NAME)
    listed = {version.content_hash: version.active_runs for version in rows}
    assert (listed[one.content_hash], listed[two.content_hash]) == (1, 0)


def test_versions_of_one_workspace_are_none_of_the_others(
    in_acme: TenantContext, globex: TenantContext
) -> None:
    version = published("One")
    with tenancy.tenant_scope(globex):
        assert not selectors.version_list(workflow=NAME)
        assert versions.version_current(workflow=NAME).source == library()[NAME].source
        with pytest.raises(VersionNotFound):
            publish(version)
        with pytest.raises(VersionNotFound):
            versions.version_validate(workflow=NAME, content_hash=version.content_hash)
        assert versions.version_retire(workflow=NAME) is None
    assert states() == {"One": "published"}
