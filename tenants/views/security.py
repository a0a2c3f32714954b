"""Two-step sign-in of one's own account: app, recovery codes, passkeys. Changes ask the password.

The pages stand on workspaces' hosts and, for administrators, on the platform's.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, TypeVar, cast

from allauth.mfa.adapter import get_adapter
from allauth.mfa.totp.internal.auth import clear_totp_secret, get_totp_secret
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import tenancy
from core.errors import DomainError
from tenants import credentials
from tenants.accounts import factors
from tenants.accounts.forms import AppForm, ConfirmForm, PasskeyForm
from tenants.forms import DomainForm
from tenants.models import Person
from tenants.permissions import own_account

T = TypeVar("T")


@never_cache
@require_safe
@own_account
def security(request: HttpRequest) -> HttpResponse:
    """Show how the person signs in, with what changes it."""
    context = {
        "factors": factors.factors_for(person=_person(request)),
        "form_off": ConfirmForm(auto_id="off_%s"),
        "form_codes": ConfirmForm(auto_id="codes_%s"),
        "form_passkey": ConfirmForm(auto_id="passkey_%s"),
    }
    return _page(request, "account/security.html", context)


@sensitive_post_parameters("current", "code")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@own_account
def app(request: HttpRequest) -> HttpResponse:
    """Show a secret to an authenticator app, and turn two-step sign-in on by its first code."""
    person, form = _person(request), AppForm(request.POST or None)
    secret = get_totp_secret(regenerate=request.method != "POST")
    codes: list[str] | None = None
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        codes = _confirmed(
            form, person, lambda: factors.app_activate(person=person, secret=secret, code=code)
        )
    if codes is not None:
        clear_totp_secret(request)
        return _codes_page(request, codes)
    url = get_adapter().build_totp_url(person, secret)
    image = base64.b64encode(get_adapter().build_totp_svg(url).encode()).decode()
    context = {"form": form, "secret": secret, "image": f"data:image/svg+xml;base64,{image}"}
    return _page(request, "account/app.html", context, status=422 if form.errors else 200)


@sensitive_post_parameters("current")
@require_POST
@own_account
def turn_off(request: HttpRequest) -> HttpResponse:
    """Turn two-step sign-in off, passkeys included."""
    person, form = _person(request), ConfirmForm(request.POST)
    done = form.is_valid() and _confirmed(
        form, person, lambda: _done(factors.factors_remove, person=person)
    )
    return _back(request, form, _("Two-step sign-in is off.") if done else "")


@sensitive_post_parameters("current")
@never_cache
@require_POST
@own_account
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Make new recovery codes; they are in this answer and nowhere else."""
    person, form = _person(request), ConfirmForm(request.POST)
    codes: list[str] | None = None
    if form.is_valid():
        codes = _confirmed(form, person, lambda: factors.recovery_codes_renew(person=person))
    if codes is None:
        return _back(request, form, "")
    return _codes_page(request, codes)


@sensitive_post_parameters("current")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@own_account
def passkey(request: HttpRequest) -> HttpResponse:
    """Let the browser make a passkey for this host, and store it."""
    person, form = _person(request), PasskeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        done = _confirmed(
            form,
            person,
            lambda: _done(
                factors.passkey_add,
                person=person,
                name=said["name"],
                credential=said["credential"],
            ),
        )
        if done:
            return _back(request, form, _("The passkey has been added."))
    try:
        options = json.dumps(factors.passkey_options(person=person))
    except DomainError as error:
        messages.error(request, str(error.detail))
        return redirect("account_security")
    context = {"form": form, "options": options}
    return _page(request, "account/passkey.html", context, status=422 if form.errors else 200)


@sensitive_post_parameters("current")
@require_POST
@own_account
def passkey_remove(request: HttpRequest) -> HttpResponse:
    """Delete the passkey that the form names."""
    person, form = _person(request), ConfirmForm(request.POST)
    named = request.POST.get("passkey", "")
    number = int(named) if named.isascii() and named.isdigit() and len(named) < 19 else 0
    done = form.is_valid() and _confirmed(
        form, person, lambda: _done(factors.passkey_remove, person=person, passkey_id=number)
    )
    return _back(request, form, _("The passkey has been removed.") if done else "")


def _person(request: HttpRequest) -> Person:
    return cast(Person, request.user)


def _confirmed(form: DomainForm, person: Person, change: Callable[[], T]) -> T | None:
    """Make the change if the password is right; else return None with the reason on the form."""
    try:
        credentials.password_require(person=person, password=form.cleaned_data["current"])
        return change()
    except DomainError as error:
        form.error_add(error)
    return None


def _done(change: Callable[..., None], **arguments: Any) -> bool:
    """Make a change that returns nothing, and say that it is made."""
    change(**arguments)
    return True


def _back(request: HttpRequest, form: DomainForm, done: str) -> HttpResponse:
    """Say on the page about two-step sign-in how it went."""
    if done:
        messages.success(request, done)
    for faults in form.errors.values():
        messages.error(request, " ".join(map(str, faults)))
    return redirect("account_security")


def _codes_page(request: HttpRequest, codes: list[str]) -> HttpResponse:
    return _page(request, "account/recovery_codes.html", {"codes": "\n".join(codes)})


def _page(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    is_platform = tenancy.current() is None
    layout = "account/platform.html" if is_platform else "tenants/settings/base.html"
    return render(request, template, {**context, "layout": layout}, status=status)
