"""What people are told by mail about changes to their account."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext_lazy as _

from tenants import mail, selectors
from tenants.accounts import letters

SENTENCES = {
    "password": _("The password of your account has been changed."),
    "email_change": _("Someone asked to sign in to your account by another e-mail address."),
    "second_factor_on": _("Two-step sign-in is on for your account."),
    "second_factor_off": _("Two-step sign-in is off for your account."),
    "passkey_added": _("A passkey has been added to your account."),
    "passkey_removed": _("A passkey has been removed from your account."),
    "recovery_codes": _("New recovery codes have been made for your account."),
}


def notice_deliver(*, person_id: UUID, what: str) -> None:
    """Mail a member of the current tenant what changed. Raises OSError without mail server."""
    person = selectors.person_get(person_id)
    if person is not None:
        letter = letters.security_letter(what=str(SENTENCES[what]))
        mail.letter_send(to=person.email, letter=letter)
