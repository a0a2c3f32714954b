"""One's own account: address and password, and the links that mails about them hold."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from core.errors import DomainError, RateLimited
from tenants import credentials, selectors, team, throttle
from tenants.accounts import passwords, sessions, verification
from tenants.accounts.forms import EmailForm, ForgottenForm, PasswordForm, ResetForm
from tenants.errors import SessionUnknown
from tenants.models import Person
from tenants.permissions import requires


@sensitive_post_parameters("current", "new")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires("conversations:read")
def account(request: HttpRequest) -> HttpResponse:
    """Show who is signed in and let them choose a new password."""
    person = _person(request)
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _password_changed(request, person, form):
        messages.success(request, _("Your password has been changed."))
        return redirect("tenants:account")
    return _account_page(request, form, _email_form())


@sensitive_post_parameters("current")
@never_cache
@require_POST
@requires("conversations:read")
def email_change(request: HttpRequest) -> HttpResponse:
    """Send a link to a new address; the old one stays until it is opened."""
    form = _email_form(request.POST)
    if not form.is_valid() or not _change_requested(_person(request), form):
        return _account_page(request, PasswordForm(), form)
    messages.success(request, _("Open the link that we sent to the new address."))
    return redirect("tenants:account")


@require_POST
@requires("conversations:read")
def session_end(request: HttpRequest) -> HttpResponse:
    """Sign out where the form says."""
    try:
        session_id = UUID(request.POST.get("session", ""))
        sessions.session_end(person=_person(request), session_id=session_id)
    except (ValueError, SessionUnknown):
        messages.error(request, SessionUnknown.title)
    else:
        messages.success(request, _("You are signed out there."))
    return redirect("tenants:account")


@require_POST
@requires("conversations:read")
def sessions_end_others(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere else, whichever workspace it is."""
    sessions.sessions_end_others(request=request, person=_person(request))
    messages.success(request, _("You are signed out everywhere else."))
    return redirect("tenants:account")


@require_POST
@requires("conversations:read")
def verification_send(request: HttpRequest) -> HttpResponse:
    """Send the link that proves the address once more."""
    try:
        verification.verification_request(person=_person(request))
    except RateLimited:
        messages.error(request, _("Enough mails for now. Look into your spam folder."))
    else:
        messages.success(request, _("We have sent you a new link."))
    return redirect("tenants:account")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest, key: str) -> HttpResponse:
    """Ask, then take the address as proved: programs that look into mails only follow links."""
    address = verification.verification_read(key=key)
    if request.method == "POST":
        verification.email_verify(key=key)
        messages.success(request, _("Your e-mail address is confirmed."))
        return redirect("tenants:home")
    context = {"address": address.email, "tenant": selectors.tenant_current()}
    return render(request, "account/verify.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Send a link to a member who forgot their password; the page tells nobody who is one."""
    form = ForgottenForm(request.POST or None)
    is_sent = request.method == "POST" and form.is_valid() and _reset_requested(request, form)
    context = {"form": form, "is_sent": is_sent, "tenant": selectors.tenant_current()}
    status = 422 if form.errors else 200
    return render(request, "account/forgotten.html", context, status=status)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest, key: str) -> HttpResponse:
    """Set the password a mail's link is for; whoever did signs in with it next."""
    person = passwords.password_reset_person(key=key)
    form = ResetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            passwords.password_reset(key=key, new=form.cleaned_data["password"])
        except DomainError as error:
            form.error_add(error)
        else:
            messages.success(request, _("Your new password is set. Sign in with it."))
            return redirect("account_login")
    context = {"form": form, "email": person.email, "tenant": selectors.tenant_current()}
    return render(request, "account/reset.html", context, status=422 if form.errors else 200)


def _person(request: HttpRequest) -> Person:
    return cast(Person, request.user)


def _email_form(data: QueryDict | None = None) -> EmailForm:
    """Return the form with ids of its own: the page has two that ask for the password."""
    return EmailForm(data, auto_id="email_%s")


def _account_page(request: HttpRequest, form: PasswordForm, email_form: EmailForm) -> HttpResponse:
    context = {
        "form": form,
        "email_form": email_form,
        "sessions": sessions.session_list(person=_person(request)),
        "session_key": request.session.session_key,
    }
    status = 422 if form.errors or email_form.errors else 200
    return render(request, "tenants/settings/account.html", context, status=status)


def _password_changed(request: HttpRequest, person: Person, form: PasswordForm) -> bool:
    try:
        team.person_password_set(
            person=person, current=form.cleaned_data["current"], new=form.cleaned_data["new"]
        )
    except DomainError as error:
        form.error_add(error)
        return False
    sessions.session_keep(request=request, person=person)
    return True


def _change_requested(person: Person, form: EmailForm) -> bool:
    try:
        credentials.password_require(person=person, password=form.cleaned_data["current"])
        verification.email_change_request(person=person, email=form.cleaned_data["email"])
    except DomainError as error:
        form.error_add(error)
        return False
    return True


def _reset_requested(request: HttpRequest, form: ForgottenForm) -> bool:
    address = throttle.client_address(request)
    try:
        passwords.password_reset_request(email=form.cleaned_data["email"], client_address=address)
    except RateLimited:
        form.add_error(None, _("Too many attempts. Try again in an hour."))
        return False
    return True
