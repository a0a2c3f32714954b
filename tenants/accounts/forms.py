"""Forms of one's own account: password, address, invitation."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.utils.translation import gettext_lazy as _

from tenants.forms import DomainForm


def new_password_field(label: Any) -> forms.CharField:
    """Return the field of a password that is being chosen."""
    return forms.CharField(
        label=label,
        max_length=200,
        strip=False,
        help_text=_("At least 10 characters; a sentence works well."),
        validators=[password_validation.validate_password],
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


def current_password_field(label: Any) -> forms.CharField:
    """Return the field of a password that is already one's own."""
    return forms.CharField(
        label=label,
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class PasswordForm(DomainForm):
    """A new password for whoever is signed in."""

    current = current_password_field(_("Current password"))
    new = new_password_field(_("New password"))


class EmailForm(DomainForm):
    """A new address for whoever is signed in."""

    email = forms.EmailField(
        label=_("New e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    current = current_password_field(_("Password"))


class ConfirmForm(DomainForm):
    """The password once more, before something that matters."""

    current = current_password_field(_("Password"))


class AppForm(DomainForm):
    """The first code of an authenticator app, and the password."""

    code = forms.CharField(
        label=_("Code that the app shows"),
        max_length=12,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        ),
    )
    current = current_password_field(_("Password"))


class PasskeyForm(DomainForm):
    """A passkey that the browser made, its name, and the password."""

    name = forms.CharField(
        label=_("Name"), max_length=60, help_text=_("Such as the device that keeps it.")
    )
    current = current_password_field(_("Password"))
    credential = forms.JSONField(widget=forms.HiddenInput)


class ForgottenForm(forms.Form):
    """Whose password is forgotten."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )


class ResetForm(DomainForm):
    """The password in place of a forgotten one."""

    password = new_password_field(_("New password"))


class JoinNewForm(DomainForm):
    """Name and password of someone who has no account yet."""

    full_name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )
    password = new_password_field(_("Password"))


class JoinExistingForm(DomainForm):
    """The password of someone who has an account and joins another workspace."""

    password = current_password_field(_("Password of your Frontdesk account"))
