"""Settings of a workspace: the widget's snippet, the team, API keys."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from core import fragments
from core.errors import DomainError
from tenants import selectors, services, team
from tenants.errors import ApiKeyUnknown, EmailUnverified, MemberUnknown
from tenants.forms import ApiKeyForm, ApiKeyRotateForm, InvitationForm, RoleForm
from tenants.models import ApiKey, Membership
from tenants.permissions import requires, scopes_for
from tenants.types import Role

EXAMPLE = """curl {url} \\
  -H "Authorization: Bearer fd_…" \\
  -H "Content-Type: application/json" \\
  -d '{{"message": "Where is my order?", "user_id": "customer-1"}}'"""


@require_safe
@requires("team:read")
def settings(request: HttpRequest) -> HttpResponse:
    """Lead to the first settings page this person may see."""
    is_allowed = "settings:read" in scopes_for(request)
    return redirect("tenants:settings_widget" if is_allowed else "tenants:settings_team")


@require_safe
@requires("settings:read")
def widget(request: HttpRequest) -> HttpResponse:
    """Show the line of script that puts the chat on a site."""
    snippet = fragments.render("widget_snippet", request)
    return render(request, "tenants/settings/widget.html", {"snippet": snippet})


# --- team


@require_safe
@requires("team:read")
def team_list(request: HttpRequest) -> HttpResponse:
    """Show who works here."""
    return team_page(request, InvitationForm())


@require_POST
@requires("team:write")
def team_role(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Change a member's role and answer with their row of the table."""
    form = RoleForm(request.POST)
    if form.is_valid():
        role = Role(form.cleaned_data["role"])
        _team_change(
            request,
            _("The role has been changed."),
            lambda actor: team.team_role_set(actor=actor, person_id=person_id, role=role),
        )
    return redirect("tenants:settings_team")


@require_POST
@requires("team:write")
def team_remove(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Take someone off the team."""
    _team_change(
        request,
        _("They can no longer open this workspace."),
        lambda actor: team.team_member_remove(actor=actor, person_id=person_id),
    )
    return redirect("tenants:settings_team")


def _team_change(request: HttpRequest, done: str, change: Any) -> None:
    """Make the change and say how it went on the next page."""
    try:
        change(actor_of(request))
    except MemberUnknown:
        raise
    except DomainError as error:
        messages.error(request, str(error.detail))
    else:
        messages.success(request, done)


def actor_of(request: HttpRequest) -> Membership:
    """Return the member who sent the request, for views behind `requires`."""
    membership: Membership = request.membership  # type: ignore[attr-defined]  # `requires` saw it
    return membership


def team_page(request: HttpRequest, form: InvitationForm, *, status: int = 200) -> HttpResponse:
    """Return the team's page with the form that invites someone."""
    context = {
        "form": form,
        "members": selectors.membership_list(),
        "invitations": selectors.invitations_open(),
        "is_editable": "team:write" in scopes_for(request),
        "roles": RoleForm().fields["role"].choices,  # type: ignore[attr-defined]
    }
    return render(request, "tenants/settings/team.html", context, status=status)


# --- API keys


@require_safe
@requires("settings:read")
def key_list(request: HttpRequest) -> HttpResponse:
    """Show the workspace's keys; their secrets are not known to anyone here."""
    return _keys_page(request, ApiKeyForm())


@never_cache
@require_POST
@requires("settings:write")
def key_create(request: HttpRequest) -> HttpResponse:
    """Make a key; its secret is in this answer and nowhere else."""
    form = ApiKeyForm(request.POST)
    if not form.is_valid():
        return _keys_page(request, form, status=422)
    try:
        secret = services.api_key_create(
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
            held=scopes_for(request),
            created_by=actor_of(request).person_id,
            expires_at=form.expires_at,
            requests_per_minute=form.cleaned_data["requests_per_minute"],
        )
    except EmailUnverified as error:
        form.error_add(error)
        return _keys_page(request, form, status=422)
    return _keys_page(request, ApiKeyForm(), secret=secret.secret)


@never_cache
@require_POST
@requires("settings:write")
def key_rotate(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Replace a key; the new secret is in this answer and nowhere else."""
    form = ApiKeyRotateForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose when the old key ends."))
        return redirect("tenants:settings_keys")
    try:
        secret = services.api_key_rotate(
            key_id=key_id,
            overlap=form.overlap_length,
            held=scopes_for(request),
            rotated_by=actor_of(request).person_id,
        )
    except ApiKeyUnknown:
        raise
    except DomainError as error:
        messages.error(request, str(error.detail))
        return redirect("tenants:settings_keys")
    return _keys_page(request, ApiKeyForm(), secret=secret.secret)


@require_POST
@requires("settings:write")
def key_revoke(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """End a key at once."""
    services.api_key_revoke(key_id=key_id, revoked_by=actor_of(request).person_id)
    messages.success(request, _("The key no longer works."))
    return redirect("tenants:settings_keys")


def _keys_with_forms() -> list[tuple[ApiKey, ApiKeyRotateForm | None]]:
    """Return the keys, and for each that can be rotated a form whose ids are its own."""
    return [
        (key, ApiKeyRotateForm(auto_id=f"{key.prefix}_%s") if key.state == "active" else None)
        for key in selectors.api_key_list()
    ]


def _keys_page(
    request: HttpRequest, form: ApiKeyForm, *, secret: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "secret": secret,
        "keys": _keys_with_forms(),
        "is_editable": "settings:write" in scopes_for(request),
        "example": EXAMPLE.format(url=request.build_absolute_uri("/api/v1/chat/message")),
    }
    return render(request, "tenants/settings/keys.html", context, status=status)
