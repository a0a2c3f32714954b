"""Canned replies: what the reply field offers behind a slash, and the page that keeps them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversations import selectors, services
from conversations.canned import canned_reply_get, canned_reply_list, values_of
from conversations.errors import (
    CannedRepliesFull,
    MessageEmpty,
    SharedByAdmins,
    ShortcutInvalid,
    ShortcutTaken,
    VariableInvalid,
)
from conversations.forms import CannedReplyForm
from conversations.models import CannedReply
from conversations.texts import preview_of
from conversations.variables import variables_fill
from conversations.views.fragments import person_id_of
from tenants.permissions import requires, scopes_for

OFFERED = 20
QUERY_LENGTH = 100
FAULTS = {
    ShortcutInvalid: "shortcut",
    ShortcutTaken: "shortcut",
    VariableInvalid: "text",
    MessageEmpty: "text",
    CannedRepliesFull: None,
}


@require_safe
@requires("conversations:write")
def choices(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Give the replies that a query finds, filled in for this conversation."""
    conversation = selectors.conversation_get(conversation_id=conversation_id)
    values = values_of(conversation, agent_name=_own_name(request))
    query = request.GET.get("q", "")[:QUERY_LENGTH]
    found = canned_reply_list(person_id=person_id_of(request), query=query)[:OFFERED]
    filled = [(reply, variables_fill(reply.text, values)) for reply in found]
    offered = [(reply, text, preview_of(text)) for reply, text in filled]
    return render(request, "conversations/canned_choices.html", {"offered": offered})


def _own_name(request: HttpRequest) -> str:
    membership = request.membership  # type: ignore[attr-defined]  # set by MembershipMiddleware
    return str(membership.person.display_name)


def _may_share(request: HttpRequest) -> bool:
    return "settings:write" in scopes_for(request)


@require_safe
@requires("conversations:read")
def replies(request: HttpRequest) -> HttpResponse:
    """Show everybody's replies and one's own."""
    query = request.GET.get("q", "")[:QUERY_LENGTH]
    found = list(canned_reply_list(person_id=person_id_of(request), query=query))
    context = {
        "replies": [(reply, preview_of(reply.text)) for reply in found],
        "query": query,
        "may_write": "conversations:write" in scopes_for(request),
        "may_share": _may_share(request),
    }
    return render(request, "conversations/replies.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("conversations:write")
def create(request: HttpRequest) -> HttpResponse:
    """Add a reply."""
    form = CannedReplyForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _is_created(request, form):
        messages.success(request, _("Saved."))
        return redirect("conversations:replies")
    return _form_page(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("conversations:write")
def edit(request: HttpRequest, reply_id: UUID) -> HttpResponse:
    """Change a reply."""
    found = canned_reply_get(reply_id=reply_id, person_id=person_id_of(request))
    if found.is_shared and not _may_share(request):
        return _refused(request)
    initial = {"shortcut": found.shortcut, "text": found.text}
    form = CannedReplyForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and _is_changed(request, form, found):
        messages.success(request, _("Saved."))
        return redirect("conversations:replies")
    return _form_page(request, form, found)


@require_POST
@requires("conversations:write")
def delete(request: HttpRequest, reply_id: UUID) -> HttpResponse:
    """Delete a reply."""
    try:
        services.canned_reply_delete(
            reply_id=reply_id, person_id=person_id_of(request), may_share=_may_share(request)
        )
    except SharedByAdmins:
        return _refused(request)
    messages.success(request, _("Deleted."))
    return redirect("conversations:replies")


def _refused(request: HttpRequest) -> HttpResponse:
    messages.error(request, str(SharedByAdmins.title))
    return redirect("conversations:replies")


def _is_created(request: HttpRequest, form: CannedReplyForm) -> bool:
    asked = form.cleaned_data
    owner_id = None if asked["is_shared"] else person_id_of(request)
    return _is_done(
        form,
        lambda: services.canned_reply_create(
            owner_id=owner_id,
            shortcut=asked["shortcut"],
            text=asked["text"],
            may_share=_may_share(request),
        ),
    )


def _is_changed(request: HttpRequest, form: CannedReplyForm, reply: CannedReply) -> bool:
    asked = form.cleaned_data
    return _is_done(
        form,
        lambda: services.canned_reply_update(
            reply_id=reply.pk,
            person_id=person_id_of(request),
            shortcut=asked["shortcut"],
            text=asked["text"],
            may_share=_may_share(request),
        ),
    )


def _is_done(form: CannedReplyForm, work: Any) -> bool:
    """Do the work; what is wrong with the words is said beside the field."""
    try:
        work()
    except (*FAULTS, SharedByAdmins) as error:  # a tuple of classes
        form.add_error(FAULTS.get(type(error), "is_shared"), str(error.detail))
        return False
    return True


def _form_page(
    request: HttpRequest, form: CannedReplyForm, reply: CannedReply | None = None
) -> HttpResponse:
    context = {"form": form, "reply": reply, "may_share": _may_share(request)}
    status = 422 if form.errors else 200
    return render(request, "conversations/reply_form.html", context, status=status)
