"""Drafts: texts that several people work on before one of them puts a version on record."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from core.audit.record import Fact, act_record
from core.audit.types import Act
from workflows import selectors
from workflows.errors import DraftClash, DraftNotFound, DraftsFull, DraftTitleTaken
from workflows.models import WorkflowDraft

DRAFTS_PER_WORKFLOW = 50


def draft_create(
    *, workflow: str, title: str, source: str, note: str = "", author: UUID | None
) -> WorkflowDraft:
    """Begin a draft of a workflow, mistakes and all.

    Not idempotent: a second of the same title raises ``DraftTitleTaken``. Raises
    ``WorkflowNotFound`` and, beyond fifty, ``DraftsFull``.
    """
    selectors.workflow_known(workflow=workflow)
    if selectors.draft_list(workflow=workflow).count() >= DRAFTS_PER_WORKFLOW:
        raise DraftsFull(limit=DRAFTS_PER_WORKFLOW)
    values = {"title": title, "source": source, "note": note, "author": author}
    try:
        with transaction.atomic():
            draft = WorkflowDraft.objects.create(workflow=workflow, edited_by=author, **values)
            _record(Act.WORKFLOW_DRAFT_SAVED, draft)
    except IntegrityError as error:
        raise DraftTitleTaken from error
    return draft


@transaction.atomic
def draft_save(
    *,
    workflow: str,
    draft_id: UUID,
    revision: int,
    source: str,
    note: str = "",
    edited_by: UUID | None,
) -> WorkflowDraft:
    """Replace a draft's text if nobody saved it since the caller read ``revision``.

    One statement compares and sets. Raises ``DraftClash``, which names the revision on record, and
    ``DraftNotFound``.
    """
    mine = WorkflowDraft.objects.filter(workflow=workflow, pk=draft_id, revision=revision)
    changed = {"source": source, "note": note, "edited_by": edited_by}
    saved = mine.update(revision=revision + 1, updated_at=timezone.now(), **changed)
    draft = selectors.draft_get(workflow=workflow, draft_id=draft_id)
    if not saved:
        raise DraftClash(revision=draft.revision)
    _record(Act.WORKFLOW_DRAFT_SAVED, draft)
    return draft


@transaction.atomic
def draft_delete(*, workflow: str, draft_id: UUID, revision: int | None = None) -> None:
    """Delete a draft; versions stay.

    With ``revision`` only that one: raises ``DraftClash`` when somebody has saved it since. Raises
    ``DraftNotFound`` when it is gone already. Locks the draft.
    """
    draft = WorkflowDraft.objects.select_for_update().filter(workflow=workflow, pk=draft_id).first()
    if draft is None:
        raise DraftNotFound(workflow=workflow)
    if revision is not None and revision != draft.revision:
        raise DraftClash(revision=draft.revision)
    draft.delete()
    _record(Act.WORKFLOW_DRAFT_DELETED, draft, draft_id)


def _record(act: Act, draft: WorkflowDraft, draft_id: UUID | None = None) -> None:
    about: dict[str, Fact] = {"name": draft.workflow, "revision": draft.revision}
    target = draft_id or draft.pk
    act_record(act=act, target_kind="workflow_draft", target_id=target, data=about)
