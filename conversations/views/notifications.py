"""The page of who is told that a visitor waits for a person."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from conversations import selectors, services
from conversations.errors import (
    NotificationTargetInvalid,
    SkillsInvalid,
    TooManyNotificationTargets,
)
from conversations.forms import NotificationForm
from conversations.support_preferences import AssignmentRules
from core.errors import PermissionDenied
from tenants.permissions import requires, scopes_for
from tenants.preferences import values_for


@require_http_methods(["GET", "HEAD", "POST"])
@requires("settings:read")
def targets(request: HttpRequest) -> HttpResponse:
    """Show who is told, and add somebody."""
    may_edit = "settings:write" in scopes_for(request)
    if request.method == "POST" and not may_edit:
        raise PermissionDenied()
    form = NotificationForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _is_added(form):
        messages.success(request, _("Added. They are told of the next visitor who waits."))
        return redirect("conversations:notifications")
    context = {
        "targets": selectors.notification_target_list(),
        "minutes": values_for(AssignmentRules).notify_minutes,
        "form": form,
        "may_edit": may_edit,
    }
    status = 422 if form.errors else 200
    return render(request, "conversations/notifications.html", context, status=status)


def _is_added(form: NotificationForm) -> bool:
    """Add what the form names; a refusal is said on it."""
    try:
        services.notification_target_add(**form.cleaned_data)
    except NotificationTargetInvalid as error:
        form.add_error("address", str(error.detail))
    except SkillsInvalid:
        form.add_error("queue", _("A queue is named in small letters, such as billing."))
    except TooManyNotificationTargets as error:
        form.add_error(None, str(error.detail))
    return not form.errors


@require_POST
@requires("settings:write")
def target_remove(request: HttpRequest, target_id: UUID) -> HttpResponse:
    """Tell somebody no longer."""
    services.notification_target_remove(target_id=target_id)
    messages.success(request, _("Removed."))
    return redirect("conversations:notifications")
