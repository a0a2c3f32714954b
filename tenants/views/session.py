"""Signing in and out of one workspace."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import RateLimited, ServiceUnavailable
from tenants import credentials, selectors, services
from tenants.accounts.oidc import provider_name
from tenants.accounts.steps import person_sign_in
from tenants.errors import TicketInvalid
from tenants.forms import LoginForm
from tenants.models import Person
from tenants.threats.errors import Blocked


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Let a member of this workspace in; strangers and wrong passwords read the same answer."""
    if getattr(request, "membership", None) is not None:
        return HttpResponseRedirect(next_url(request))
    form = LoginForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        person = _person_for(request, form)
        if person is not None:
            return person_sign_in(request=request, person=person, redirect_url=next_url(request))
    status = 422 if form.errors else 200
    context = {
        "form": form,
        "next": next_url(request),
        "tenant": selectors.tenant_current(),
        "provider": provider_name(),
    }
    return render(request, "tenants/login.html", context, status=status)


def _person_for(request: HttpRequest, form: LoginForm) -> Person | None:
    """Return who signs in, or None with the reason on the form."""
    try:
        person = credentials.member_authenticate(request=request, **form.cleaned_data)
    except RateLimited:
        form.add_error(None, _("Too many attempts. Wait a minute, then try again."))
        return None
    except (ServiceUnavailable, Blocked) as error:
        form.add_error(None, error.detail)
        return None
    if person is None:
        form.add_error(None, _("This e-mail and password do not open this workspace."))
    return person


def next_url(request: HttpRequest) -> str:
    """Return where to go after signing in; only ever a page of this host."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else "/"


@never_cache
@require_safe
def ticket(request: HttpRequest, ticket: str) -> HttpResponse:
    """Sign in by the one-time link of a fresh sign-up."""
    try:
        person = services.login_ticket_consume(ticket=ticket)
    except TicketInvalid as error:
        messages.error(request, str(error.detail))
        return redirect("account_login")
    return person_sign_in(request=request, person=person, redirect_url="/")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("account_login")
