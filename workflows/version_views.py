"""Pages about versions (edit, keep drafts, publish, go back, compare), and the stop of all runs."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import Conflict, ValidationFailed
from tenants.permissions import requires, scopes_for
from tenants.selectors import api_key_list, membership_list
from workflows import drafts, selectors, stopping, versions
from workflows.differing import texts_compare
from workflows.drawing import graph_draw
from workflows.errors import DraftClash, DraftNotFound, WorkflowInvalid
from workflows.forms import CompareForm, WorkflowSourceForm
from workflows.models import WorkflowDraft, WorkflowVersion
from workflows.types import PUBLISHABLE, VersionState

PAGE_SIZE = 25

# What an act of the editor leads to: more to show in it, or another page.
Edited = dict[str, Any] | HttpResponse
EditAct = Callable[[HttpRequest, str, dict[str, Any], WorkflowDraft | None], Edited]


@require_safe
@requires("workflows:read")
def index(request: HttpRequest, name: str) -> HttpResponse:
    """List a workflow's versions and drafts, with who made them and what still runs on each."""
    selectors.workflow_known(workflow=name)
    found = Paginator(selectors.version_list(workflow=name), PAGE_SIZE)
    page = found.get_page(request.GET.get("page"))
    people = _names()
    context = {
        "name": name,
        "page": page,
        "rows": [_version_row(version, people) for version in page.object_list],
        "drafts": [_draft_row(draft, people) for draft in selectors.draft_list(workflow=name)],
        "published": selectors.published_hash(workflow=name),
        "previous": selectors.version_previous(workflow=name),
        "can_write": "workflows:write" in scopes_for(request),
    }
    return render(request, "workflows/versions.html", context)


def _names() -> dict[UUID, str]:
    """Return what the workspace's people and keys are called, by id."""
    people = {found.person_id: found.person.display_name for found in membership_list()}
    return {**people, **{key.pk: key.name for key in api_key_list()}}


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version with the names of who put it on record and who published it last."""

    version: WorkflowVersion
    author: str
    publisher: str
    may_publish: bool
    may_validate: bool


def _version_row(version: WorkflowVersion, people: Mapping[UUID, str]) -> VersionRow:
    state = VersionState(version.state)
    return VersionRow(
        version,
        author=_name(version.author, people),
        publisher=_name(version.published_by, people),
        may_publish=state in PUBLISHABLE and state is not VersionState.PUBLISHED,
        may_validate=state is VersionState.DRAFT,
    )


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A draft with the name of who saved it last."""

    draft: WorkflowDraft
    editor: str


def _draft_row(draft: WorkflowDraft, people: Mapping[UUID, str]) -> DraftRow:
    return DraftRow(draft, _name(draft.edited_by, people))


def _name(person_id: UUID | None, people: Mapping[UUID, str]) -> str:
    """Return a name, "" for the software and for someone who left."""
    return people.get(person_id, "") if person_id else ""


@require_safe
@requires("workflows:read")
def compare(request: HttpRequest, name: str) -> HttpResponse:
    """Show what differs between two versions, step by step and line by line."""
    selectors.workflow_known(workflow=name)
    form = CompareForm(request.GET)
    if not form.is_valid():
        return redirect("workflows:versions", name=name)
    pair = [
        selectors.version_on_record(workflow=name, content_hash=form.cleaned_data[end])
        for end in ("before", "after")
    ]
    labels = tuple(f"{one.version or '-'} {one.content_hash[:12]}" for one in pair)
    diff = texts_compare(pair[0].yaml, pair[1].yaml, names=(labels[0], labels[1]))
    lines = [(_line_kind(line), line) for line in diff.lines]
    context = {"name": name, "before": pair[0], "after": pair[1], "diff": diff, "lines": lines}
    return render(request, "workflows/compare.html", context)


def _line_kind(line: str) -> str:
    """Return what a line of a unified diff is, by its first characters."""
    if line.startswith(("---", "+++", "@@")):
        return "head"
    return {"+": "added", "-": "removed"}.get(line[:1], "same")


@require_http_methods(["GET", "POST"])
@requires("workflows:write")
def edit(request: HttpRequest, name: str) -> HttpResponse:
    """Check a changed text, keep it as a draft, put it on record, or publish it."""
    selectors.workflow_known(workflow=name)
    draft = _draft_of(request, name)
    form = WorkflowSourceForm(request.POST or None, initial=_initial(request, name, draft))
    context: dict[str, Any] = {"name": name, "form": form, "draft": draft, "problems": []}
    if form.is_bound and form.is_valid():
        act: EditAct = _EDIT_ACTS.get(request.POST.get("action", ""), _edit_check)
        try:
            done = act(request, name, form.cleaned_data, draft)
            if isinstance(done, HttpResponse):
                return done
            context.update(done)
        except WorkflowInvalid as error:
            context["problems"] = error.data["errors"]
        except Conflict as error:
            context["clash"] = error
            return render(request, "workflows/edit.html", context, status=409)
    status = 422 if context["problems"] or form.errors else 200
    return render(request, "workflows/edit.html", context, status=status)


def _draft_of(request: HttpRequest, name: str) -> WorkflowDraft | None:
    asked = request.GET.get("draft")
    if not asked:
        return None
    try:
        return selectors.draft_get(workflow=name, draft_id=UUID(asked))
    except ValueError as error:
        raise ValidationFailed from error


def _initial(request: HttpRequest, name: str, draft: WorkflowDraft | None) -> dict[str, Any]:
    """Return what the editor begins with: a draft, a version on record, or what answers now."""
    replaces = selectors.published_hash(workflow=name)
    if draft is not None:
        kept = {"title": draft.title, "note": draft.note, "revision": draft.revision}
        return {"source": draft.source, "replaces": replaces, **kept}
    asked = request.GET.get("version")
    if asked:
        version = selectors.version_on_record(workflow=name, content_hash=asked)
        return {"source": version.yaml, "replaces": replaces}
    return {"source": selectors.source_latest(workflow=name), "replaces": replaces}


def _edit_check(
    request: HttpRequest, name: str, data: dict[str, Any], draft: WorkflowDraft | None
) -> Edited:
    checked = versions.workflow_check(source=data["source"], filename=f"{name}.yaml")
    advice = versions.warnings_shown(checked)
    return {"checked": checked, "drawing": graph_draw(checked), "warnings": advice}


def _edit_save(
    request: HttpRequest, name: str, data: dict[str, Any], draft: WorkflowDraft | None
) -> Edited:
    """Keep the text as a draft: the one that is open, or a new one under another title."""
    text = {"workflow": name, "source": data["source"], "note": data["note"]}
    title = data["title"] or _("Draft")
    if draft is None or draft.title != title:
        saved = drafts.draft_create(title=title, author=person_of(request), **text)
    else:
        saved = drafts.draft_save(
            draft_id=draft.pk,
            revision=data["revision"] or draft.revision,
            edited_by=person_of(request),
            **text,
        )
    messages.success(request, _("Saved: others can continue it."))
    return redirect(f"{_edit_path(name)}?draft={saved.pk}")


def _edit_record(
    request: HttpRequest, name: str, data: dict[str, Any], draft: WorkflowDraft | None
) -> Edited:
    """Put the text on record and validate it, for somebody to publish later."""
    version = versions.version_draft(
        workflow=name, source=data["source"], note=data["note"], author=person_of(request)
    )
    _version, problems = versions.version_validate(workflow=name, content_hash=version.content_hash)
    if problems:
        return {"problems": [versions.problem_shown(problem) for problem in problems]}
    messages.success(request, _("On record: this version can be published."))
    return redirect("workflows:versions", name=name)


def _edit_publish(
    request: HttpRequest, name: str, data: dict[str, Any], draft: WorkflowDraft | None
) -> Edited:
    graph = versions.workflow_check(source=data["source"], filename=f"{name}.yaml")
    version = versions.workflow_publish(
        source=data["source"],
        published_by=person_of(request),
        note=data["note"],
        # What the person saw answering; a text that takes another name replaces something else.
        replaces=data["replaces"] if graph.name == name else None,
    )
    if draft is not None:
        with suppress(DraftClash, DraftNotFound):  # somebody goes on with it: it stays
            drafts.draft_delete(workflow=name, draft_id=draft.pk, revision=data["revision"])
    messages.success(request, _("Published: the next run uses this version."))
    return redirect("workflows:workflow", name=version.name)


_EDIT_ACTS: dict[str, EditAct] = {
    "save": _edit_save,
    "record": _edit_record,
    "publish": _edit_publish,
}


def _edit_path(name: str) -> str:
    return reverse("workflows:edit", args=[name])


def person_of(request: HttpRequest) -> UUID | None:
    """Return who is signed in."""
    return request.user.pk if isinstance(request.user.pk, UUID) else None


@require_POST
@requires("workflows:write")
def validate(request: HttpRequest, name: str, content_hash: str) -> HttpResponse:
    """Validate a version on record; mistakes are shown in the editor."""
    selectors.workflow_known(workflow=name)
    _version, problems = versions.version_validate(workflow=name, content_hash=content_hash)
    if problems:
        messages.error(request, _("This version has mistakes: check it to see where."))
        return redirect(f"{_edit_path(name)}?version={content_hash}")
    messages.success(request, _("Validated: this version can be published."))
    return redirect("workflows:versions", name=name)


@require_POST
@requires("workflows:write")
def publish(request: HttpRequest, name: str, content_hash: str) -> HttpResponse:
    """Publish a validated version, or one that answered before."""
    selectors.workflow_known(workflow=name)

    def act() -> str:
        versions.version_publish(
            workflow=name,
            content_hash=content_hash,
            published_by=person_of(request),
            replaces=request.POST.get("replaces"),
        )
        return _("Published: the next run uses this version.")

    return _acted(request, name, act)


@require_POST
@requires("workflows:write")
def rollback(request: HttpRequest, name: str) -> HttpResponse:
    """Publish again what answered before the present version."""

    def act() -> str:
        version = versions.version_rollback(workflow=name, published_by=person_of(request))
        return _("Rolled back to %(hash)s.") % {"hash": version.content_hash[:12]}

    return _acted(request, name, act)


@require_POST
@requires("workflows:write")
def retire(request: HttpRequest, name: str) -> HttpResponse:
    """Take the published version back."""

    def act() -> str:
        versions.version_retire(workflow=name)
        return _("Taken back: the library's version answers, where there is one.")

    return _acted(request, name, act)


@require_POST
@requires("workflows:write")
def draft_delete(request: HttpRequest, name: str, draft_id: UUID) -> HttpResponse:
    """Delete a draft."""

    def act() -> str:
        drafts.draft_delete(workflow=name, draft_id=draft_id)
        return _("Draft deleted.")

    return _acted(request, name, act)


def _acted(request: HttpRequest, name: str, act: Callable[[], str]) -> HttpResponse:
    """Do something and tell how it went on the versions' page; what does not exist is not found."""
    try:
        messages.success(request, act())
    except (Conflict, WorkflowInvalid) as error:
        messages.error(request, error.detail)
    return redirect("workflows:versions", name=name)


@require_POST
@requires("workflows:write")
def stop(request: HttpRequest) -> HttpResponse:
    """Stop every run of the workspace and end those that go on."""
    purged = stopping.runs_stop(stopped_by=person_of(request))
    ended = ngettext("%(n)d run was ended.", "%(n)d runs were ended.", purged.ended)
    messages.success(request, _("Stopped.") + " " + ended % {"n": purged.ended})
    return redirect("workflows:index")


@require_POST
@requires("workflows:write")
def resume(request: HttpRequest) -> HttpResponse:
    """Let runs start again."""
    stopping.runs_resume(lifted_by=person_of(request))
    messages.success(request, _("Resumed: the next message is answered again."))
    return redirect("workflows:index")
