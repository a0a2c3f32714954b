"""The features a workspace may switch for itself, and what its experiments found."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from core.errors import DomainError
from tenants.flags import selectors, services
from tenants.forms import FlagForm
from tenants.permissions import actor_for, requires, scopes_for


@require_safe
@requires("settings:read")
def flag_list(request: HttpRequest) -> HttpResponse:
    """Show the open flags, how each stands here, and the history of this workspace's choices."""
    context: dict[str, Any] = {
        "flags": selectors.flag_list_open(),
        "changes": selectors.change_list_shown(),
        "is_editable": "settings:write" in scopes_for(request),
    }
    return render(request, "tenants/settings/flags.html", context)


@require_POST
@requires("settings:write")
def flag_set(request: HttpRequest) -> HttpResponse:
    """Switch a flag here, or leave it to the platform again."""
    form = FlagForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose a feature and what it shall be."))
        return redirect("tenants:settings_flags")
    try:
        services.override_set(
            name=form.cleaned_data["flag"], is_on=form.is_on, actor=actor_for(request)
        )
    except DomainError as error:
        messages.error(request, str(error.detail))
    else:
        messages.success(request, _("Saved. It holds from now on."))
    return redirect("tenants:settings_flags")
