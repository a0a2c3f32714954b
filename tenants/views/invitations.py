"""Inviting people to a workspace, and the page that their mail leads to."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from core.errors import DomainError
from tenants import credentials, invitations, selectors
from tenants.accounts.forms import JoinExistingForm, JoinNewForm
from tenants.accounts.steps import person_sign_in
from tenants.errors import InvitationUnknown
from tenants.forms import DomainForm, InvitationForm
from tenants.models import Membership, Person
from tenants.permissions import requires
from tenants.types import Role
from tenants.views.settings import actor_of, team_page


@require_POST
@requires("team:write")
def invite(request: HttpRequest) -> HttpResponse:
    """Invite someone by mail."""
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return team_page(request, form, status=422)
    try:
        made = invitations.invitation_create(
            actor=actor_of(request),
            email=form.cleaned_data["email"],
            role=Role(form.cleaned_data["role"]),
        )
    except DomainError as error:
        form.error_add(error)
        return team_page(request, form, status=422)
    sentence = _("We have sent the invitation to %(email)s.")
    messages.success(request, sentence % {"email": made.email})
    return redirect("tenants:settings_team")


@require_POST
@requires("team:write")
def send_again(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Mail a new link; the earlier one ends."""
    return _changed(
        request,
        _("We have sent the invitation again."),
        lambda actor: invitations.invitation_send_again(actor=actor, invitation_id=invitation_id),
    )


@require_POST
@requires("team:write")
def revoke(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """End an invitation."""
    return _changed(
        request,
        _("The invitation no longer works."),
        lambda actor: invitations.invitation_revoke(actor=actor, invitation_id=invitation_id),
    )


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Let in whoever holds the mail: with a new account, or with the password of their own."""
    invitation = invitations.invitation_for_token(token=token)
    known = selectors.person_by_email(invitation.email)
    form: DomainForm = (JoinExistingForm if known else JoinNewForm)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        person = _joined(token, known, form)
        if person is not None:
            return person_sign_in(request=request, person=person, redirect_url="/")
    context = {
        "form": form,
        "invitation": invitation,
        "is_known": known is not None,
        "tenant": selectors.tenant_current(),
    }
    return render(request, "account/invitation.html", context, status=422 if form.errors else 200)


def _joined(token: str, known: Person | None, form: DomainForm) -> Person | None:
    """Return the new member, or None with the reason on the form."""
    try:
        if known is None:
            return invitations.invitation_accept_new(token=token, **form.cleaned_data)
        credentials.password_require(person=known, password=form.cleaned_data["password"])
        return invitations.invitation_accept_existing(token=token, person=known).person
    except DomainError as error:
        form.error_add(error)
    return None


def _changed(
    request: HttpRequest, done: str, change: Callable[[Membership], object]
) -> HttpResponse:
    """Make the change and say how it went on the team's page."""
    try:
        change(actor_of(request))
    except InvitationUnknown:
        raise
    except DomainError as error:
        messages.error(request, str(error.detail))
    else:
        messages.success(request, done)
    return redirect("tenants:settings_team")
