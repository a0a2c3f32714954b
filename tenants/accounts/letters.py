"""What the mails about people's accounts say."""

from __future__ import annotations

from django.utils.translation import gettext as _

from tenants.mail import Letter


def invitation_letter(*, workspace: str, inviter: str, role: str, token: str) -> Letter:
    """Return the mail with the link that accepts an invitation."""
    names = {"workspace": workspace, "inviter": inviter, "role": role}
    return Letter(
        subject=_("Join %(workspace)s on Frontdesk") % names,
        lines=(
            _("%(inviter)s invites you to the workspace %(workspace)s as %(role)s.") % names,
            _("The link below works once, for seven days."),
        ),
        action=_("Accept the invitation"),
        path=f"/invitation/{token}/",
        closing=_("If you did not expect this, do nothing: nobody joins without the link."),
    )


def verification_letter(*, email: str, key: str) -> Letter:
    """Return the mail with the link that proves an address."""
    return Letter(
        subject=_("Confirm your e-mail address"),
        lines=(
            _("Please confirm that %(email)s is your e-mail address.") % {"email": email},
            _("The link below works for three days."),
        ),
        action=_("Confirm the address"),
        path=f"/account/verify/{key}/",
        closing=_("If you did not enter this address anywhere, do nothing."),
    )


def reset_letter(*, key: str) -> Letter:
    """Return the mail with the link that sets a new password."""
    return Letter(
        subject=_("Choose a new password"),
        lines=(
            _("Someone, hopefully you, asked for a new password for your Frontdesk account."),
            _("The link below works once, for one hour."),
        ),
        action=_("Choose a new password"),
        path=f"/password/reset/{key}/",
        closing=_("If it was not you, do nothing: your password stays as it is."),
    )


def security_letter(*, what: str) -> Letter:
    """Return the mail that tells what has changed about an account."""
    return Letter(
        subject=_("Something changed in your account"),
        lines=(
            what,
            _("If it was not you, choose a new password now and sign out everywhere."),
        ),
        action=_("Open your account"),
        path="/account/",
    )
