"""Who a visitor is by the business's own word: a token it signs, and the secret it signs with."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations import announce, selectors
from conversations.asking import EMAIL_LENGTH, email_check
from conversations.errors import IdentityTokenInvalid
from conversations.models import Conversation, Customer, WidgetInstallation
from conversations.services.widget import widget_ensure
from conversations.texts import text_is_storable
from core import tenancy
from core.audit.record import act_record
from core.audit.types import Act
from core.events import catalogue, publish
from tenants.tokens import sealing

ALGORITHM = "HS256"
# A token that is good for longer is a password: it is refused, however it is signed.
LONGEST_LIFE = timedelta(days=1)
CLOCK_SKEW = timedelta(seconds=60)
ID_LENGTH, NAME_LENGTH = 200, 120
_PURPOSE = b"frontdesk/widget-identity/v1"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the business says that a visitor is; name and address are empty where it does not."""

    external_id: str
    name: str = ""
    email: str = ""


def identity_secret_rotate() -> str:
    """Make a new secret for the current tenant's widget and return it, this once.

    Tokens signed with the one before are refused from the commit on; visitors who are already in
    stay in. Kept sealed. Locks the widget's row, and is recorded in the audit log.
    """
    secret = f"fdw_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        widget = WidgetInstallation.objects.select_for_update().get(pk=widget_ensure().pk)
        widget.identity_sealed = sealing.seal(
            secret.encode(), name=_sealed_name(), purpose=_PURPOSE
        )
        widget.identity_changed_at = timezone.now()
        widget.save(update_fields=["identity_sealed", "identity_changed_at"])
        act_record(act=Act.WIDGET_SECRET_ROTATED, target_kind="widget", target_id=widget.key)
    return secret


def _sealed_name() -> str:
    """Return what the secret is sealed to: no other tenant's row can hold it."""
    return f"widget-identity:{tenancy.require().id.hex}"


def identity_verify(*, user_token: str) -> Identity:
    """Return whom a token names; raises IdentityTokenInvalid with its `reason`.

    HS256 with this tenant's secret and nothing else; `sub` and `exp` are required, and `exp` lies
    at most a day ahead.
    """
    secret = _secret()
    if not secret:
        raise _refusal("not_set_up")
    try:
        claims = jwt.decode(
            user_token,
            secret,
            algorithms=[ALGORITHM],
            leeway=CLOCK_SKEW,
            options={"require": ["exp", "sub"], "verify_aud": False},
        )
    except jwt.ExpiredSignatureError:
        raise _refusal("expired") from None
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
        raise _refusal("signature") from None
    except (jwt.MissingRequiredClaimError, jwt.ImmatureSignatureError):
        raise _refusal("claims") from None
    except jwt.PyJWTError:
        raise _refusal("malformed") from None
    return _identity(claims)


def _secret() -> bytes:
    widget = selectors.widget_current()
    if widget is None or not widget.identity_sealed:
        return b""
    sealed = bytes(widget.identity_sealed)
    return sealing.unseal(sealed, name=_sealed_name(), purpose=_PURPOSE) or b""


def _identity(claims: Mapping[str, Any]) -> Identity:
    ahead = timezone.now() + LONGEST_LIFE + CLOCK_SKEW
    if claims["exp"] > ahead.timestamp():
        raise _refusal("too_long_lived")
    email = _claim(claims, "email", EMAIL_LENGTH)
    try:
        checked = email_check(email) if email else ""
    except ValueError:
        raise _refusal("claims") from None
    external_id = _claim(claims, "sub", ID_LENGTH)
    if not external_id:
        raise _refusal("claims")
    return Identity(external_id, _claim(claims, "name", NAME_LENGTH), checked)


def _claim(claims: Mapping[str, Any], name: str, length: int) -> str:
    """Return a claim's text, "" where it is left out or null; raises IdentityTokenInvalid."""
    value = claims.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > length or not text_is_storable(value):
        raise _refusal("claims")
    return value.strip()


def _refusal(reason: str) -> IdentityTokenInvalid:
    details = {
        "not_set_up": _("This workspace has no secret to sign visitors' tokens with."),
        "malformed": _("This is no JSON Web Token."),
        "signature": _("The token is not signed with HS256 and this workspace's secret."),
        "expired": _("The token has expired."),
        "too_long_lived": _("The token is good for longer than a day."),
        "claims": _("The token needs `sub` and `exp`; `name` and `email` must be texts."),
    }
    return IdentityTokenInvalid(details[reason], reason=reason)


def visitor_identify(*, identity: Identity, visitor: Customer | None) -> Customer:
    """Return the customer whom the business knows by this id, and carry the visitor over to them.

    `visitor` is who this browser was so far. What an anonymous one has said becomes the customer's,
    exactly once, however often the same token comes again; somebody known stays who they are. Needs
    a transaction; locks the customer, then the visitor. Publishes CustomerIdentified.
    """
    external_id = identity.external_id
    Customer.objects.get_or_create(external_id=external_id)
    customer = Customer.objects.select_for_update().get(external_id=external_id)
    is_new = customer.identified_at is None
    customer.identified_at = timezone.now()
    customer.name, customer.email = (
        identity.name or customer.name,
        identity.email or customer.email,
    )
    carried = _carry_over(visitor, customer) if visitor is not None else None
    customer.save()
    if is_new or carried:
        publish(
            catalogue.CustomerIdentified(
                customer_id=customer.pk, carried_from=carried.pk if carried else None
            )
        )
    return customer


def _carry_over(visitor: Customer, customer: Customer) -> Customer | None:
    """Give the customer what the anonymous visitor said; returns the visitor if that was now."""
    anonymous = Customer.objects.filter(
        pk=visitor.pk, external_id=None, carried_to=None, identified_at=None
    )
    found = anonymous.select_for_update().first()
    if found is None:
        return None
    for field in ("name", "email"):
        setattr(customer, field, getattr(customer, field) or getattr(found, field))
    for field in ("attributes", "answers"):
        setattr(customer, field, {**getattr(found, field), **getattr(customer, field)})
    found.carried_to = customer
    found.save(update_fields=["carried_to"])
    said = Conversation.objects.select_for_update(of=("self",)).filter(
        customer=found, next_seq__gt=1
    )
    for conversation in said:
        conversation.customer = customer
        conversation.save(update_fields=["customer"])
        announce.inbox_announce(conversation)
    return found
