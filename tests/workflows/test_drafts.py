"""Drafts: several people work on one text, and none overwrites another unseen."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from core import tenancy
from core.audit.models import AuditEntry
from core.tenancy import TenantContext
from workflows import drafts, selectors
from workflows.errors import (
    DraftClash,
    DraftNotFound,
    DraftsFull,
    DraftTitleTaken,
    WorkflowNotFound,
)
from workflows.models import WorkflowDraft

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "customer_support"


def begun(title: str = "Better", **values: Any) -> WorkflowDraft:
    given = {"source": "name: [", "author": None, **values}
    return drafts.draft_create(workflow=NAME, title=title, **given)


def saved(draft: WorkflowDraft, revision: int, source: str, **values: Any) -> WorkflowDraft:
    given = {"edited_by": None, **values}
    return drafts.draft_save(
        workflow=NAME, draft_id=draft.pk, revision=revision, source=source, **given
    )


def test_draft_with_mistakes_is_continued_by_another(in_acme: TenantContext) -> None:
    one, two = uuid4(), uuid4()
    draft = begun(author=one)
    after = saved(draft, 1, "name: x", edited_by=two, note="closes the bracket")
    assert (after.author, after.edited_by, after.revision) == (one, two, 2)
    assert (after.source, after.note) == ("name: x", "closes the bracket")


def test_draft_that_somebody_saved_meanwhile_is_not_overwritten(in_acme: TenantContext) -> None:
    draft = begun()
    saved(draft, 1, "theirs")
    with pytest.raises(DraftClash) as caught:
        saved(draft, 1, "mine")
    assert caught.value.data == {"revision": 2}
    assert selectors.draft_get(workflow=NAME, draft_id=draft.pk).source == "theirs"
    with pytest.raises(DraftClash):
        drafts.draft_delete(workflow=NAME, draft_id=draft.pk, revision=1)


def test_of_many_saves_at_once_one_holds(in_acme: TenantContext) -> None:
    draft = begun()

    def attempt(number: int) -> bool:
        try:
            saved(draft, 1, f"text {number}")
        except DraftClash:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(copy_context().run, attempt, number) for number in range(6)]
        won = [future.result() for future in done]
    assert won.count(True) == 1
    kept = selectors.draft_get(workflow=NAME, draft_id=draft.pk)
    assert (kept.revision, kept.source) == (2, f"text {won.index(True)}")


def test_titles_differ_within_a_workflow(in_acme: TenantContext) -> None:
    begun("Better")
    with pytest.raises(DraftTitleTaken):
        begun("Better")
    drafts.draft_create(workflow="faq_handling", title="Better", source="a", author=None)
    with pytest.raises(WorkflowNotFound):
        drafts.draft_create(workflow="nope", title="Better", source="a", author=None)


def test_workflow_holds_so_many_drafts_at_most(
    in_acme: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "DRAFTS_PER_WORKFLOW", 2)
    begun("One")
    two = begun("Two")
    with pytest.raises(DraftsFull):
        begun("Three")
    drafts.draft_delete(workflow=NAME, draft_id=two.pk)
    begun("Three")


def test_drafts_of_one_workspace_are_none_of_the_others(
    in_acme: TenantContext, globex: TenantContext
) -> None:
    draft = begun()
    with tenancy.tenant_scope(globex):
        assert not selectors.draft_list(workflow=NAME)
        for act in (
            lambda: saved(draft, 1, "theirs"),
            lambda: drafts.draft_delete(workflow=NAME, draft_id=draft.pk),
        ):
            with pytest.raises(DraftNotFound):
                act()
    assert selectors.draft_get(workflow=NAME, draft_id=draft.pk).source == "name: ["


def test_draft_of_another_workflow_is_not_found(in_acme: TenantContext) -> None:
    draft = begun()
    with pytest.raises(DraftNotFound):
        selectors.draft_get(workflow="faq_handling", draft_id=draft.pk)


def test_saves_and_deletions_are_audited(in_acme: TenantContext) -> None:
    draft = begun()
    saved(draft, 1, "more")
    drafts.draft_delete(workflow=NAME, draft_id=draft.pk)
    found = AuditEntry.objects.filter(tenant_id=in_acme.id, target_id=str(draft.pk))
    assert list(found.order_by("seq").values_list("act", flat=True)) == [
        "workflow.draft_saved",
        "workflow.draft_saved",
        "workflow.draft_deleted",
    ]
