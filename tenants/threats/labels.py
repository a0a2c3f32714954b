"""What people read of a threat: its name, what was noticed, what to do."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenants.threats.types import BlockReach, ThreatKind


@dataclass(frozen=True, slots=True)
class ThreatText:
    title: Promise
    explanation: Promise
    advice: Promise


TEXTS = {
    ThreatKind.CREDENTIAL_STUFFING: ThreatText(
        _("Many accounts tried"),
        _("Passwords of many accounts were tried from one address."),
        _("Turn on two-step sign-in for your team. The address cannot sign in for a while."),
    ),
    ThreatKind.ACCOUNT_ATTACK: ThreatText(
        _("One account under attack"),
        _("Somebody tried passwords of one account from many addresses."),
        _("Whoever owns the account should choose a new password and two-step sign-in."),
    ),
    ThreatKind.KEY_NEW_PLACE: ThreatText(
        _("API key in a new place"),
        _("An API key was used from a network where it had never been used."),
        _("If nobody moved the system that uses it, rotate the key."),
    ),
    ThreatKind.KEY_LEAKED: ThreatText(
        _("API key in an address"),
        _("An API key was sent as part of an address, which logs and proxies keep."),
        _("Rotate the key, and send it in the Authorization header."),
    ),
    ThreatKind.CROSS_TENANT: ThreatText(
        _("Credential of another workspace"),
        _("A genuine key, token or session was tried in a workspace it does not belong to."),
        _("If it was your key, see where it is used; rotate it if you do not know."),
    ),
    ThreatKind.RATE_ANOMALY: ThreatText(
        _("Calls far beyond the limit"),
        _("A client went on calling long after it had been refused."),
        _("It is blocked for a while. Let it wait as Retry-After says."),
    ),
    ThreatKind.TOKEN_REUSED: ThreatText(
        _("Refresh token used twice"),
        _("A refresh token was used twice, so one of the two had a copy. Both were signed out."),
        _("Whoever owns the account should sign in again and choose a new password."),
    ),
}
REACH_LABELS = {
    BlockReach.SIGN_IN: _("cannot sign in"),
    BlockReach.ALL: _("cannot do anything"),
}
