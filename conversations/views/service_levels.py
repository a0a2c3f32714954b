"""Pages of the service levels: what is promised to whom."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversations import selectors, services
from conversations.errors import PolicyIncomplete, PolicyNameTaken
from conversations.forms import SlaPolicyForm
from conversations.models import SlaPolicy
from conversations.types import Priority
from conversations.views.choices import PRIORITY_LABELS
from tenants.permissions import requires, scopes_for


@require_safe
@requires("conversations:read")
def levels(request: HttpRequest) -> HttpResponse:
    """List the service levels in the order they are looked through."""
    policies = [
        (policy, PRIORITY_LABELS[Priority(policy.priority_from)] if policy.priority_from else "")
        for policy in selectors.sla_policy_list()
    ]
    context = {"policies": policies, "may_edit": "settings:write" in scopes_for(request)}
    return render(request, "conversations/service_levels.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("settings:write")
def level_new(request: HttpRequest) -> HttpResponse:
    """Add a service level."""
    return _edit(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("settings:write")
def level(request: HttpRequest, policy_id: UUID) -> HttpResponse:
    """Change a service level."""
    return _edit(request, selectors.sla_policy_get(policy_id=policy_id))


@require_POST
@requires("settings:write")
def level_delete(request: HttpRequest, policy_id: UUID) -> HttpResponse:
    """Delete a service level; what is promised already goes on."""
    services.policy_delete(policy_id=policy_id)
    messages.success(request, _("Deleted."))
    return redirect("conversations:service_levels")


def _edit(request: HttpRequest, policy: SlaPolicy | None) -> HttpResponse:
    form = SlaPolicyForm(request.POST or None, initial=SlaPolicyForm.initial_of(policy))
    if request.method == "POST" and form.is_valid() and _is_saved(form, policy):
        messages.success(request, _("Saved. It holds for what begins from now on."))
        return redirect("conversations:service_levels")
    context: dict[str, Any] = {"form": form, "policy": policy}
    status = 422 if form.errors else 200
    return render(request, "conversations/service_level.html", context, status=status)


def _is_saved(form: SlaPolicyForm, policy: SlaPolicy | None) -> bool:
    """Save the form; a refusal is said on it."""
    try:
        services.policy_save(policy_id=policy.pk if policy else None, values=form.values)
    except PolicyNameTaken as error:
        form.add_error("name", str(error.detail))
    except PolicyIncomplete as error:
        form.add_error(None, str(error.detail))
    return not form.errors
