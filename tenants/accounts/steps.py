"""From the first step of signing in to the last, with allauth's stages between them.

The forms are allauth's, named in `MFA_FORMS`; they live apart from ours because allauth loads them
while its own forms are being loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.utils import perform_login
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm, LoginWebAuthnForm
from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from tenants.accounts import factors
from tenants.models import Person


def person_sign_in(*, request: HttpRequest, person: Person, redirect_url: str) -> HttpResponse:
    """Sign in someone who has taken the first step, or lead them to the second.

    Nobody is signed in before: until then the session holds no more than who is on the way.
    """
    response: HttpResponse = perform_login(request, person, redirect_url=redirect_url)
    return response


class AnyPasskeyForm(LoginWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    """A passkey that tells by itself whose it is."""

    def clean_credential(self) -> Any:
        return _checked(super().clean_credential)


class OwnPasskeyForm(AuthenticateWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    """A passkey of someone whose password was right."""

    def clean_credential(self) -> Any:
        return _checked(super().clean_credential)


def _checked(check: Callable[[], Any]) -> Any:
    """Return whose passkey answered; whatever else was sent is a wrong answer, no failure."""
    try:
        return check()
    except factors.MALFORMED as error:
        raise forms.ValidationError(_("This passkey was not accepted.")) from error


class SecondStepForm(AuthenticateForm):  # type: ignore[misc]  # allauth ships no types
    """The code of an authenticator app, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        ),
    )

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        try:
            self.authenticator: Any = factors.code_verify(person=self.user, code=code)
        except DomainError as error:
            raise forms.ValidationError(str(error.detail), code=error.code) from error
        return code
