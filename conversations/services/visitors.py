"""Who a visitor is: a signed token, good in one workspace for as many days as it says."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.utils import timezone

from conversations import selectors
from conversations.errors import OriginRefused, VisitorTokenInvalid
from conversations.models import Conversation, Customer
from conversations.origins import origin_is_allowed
from conversations.preferences import VisitorRules
from conversations.services.identity import identity_verify, visitor_identify
from conversations.types import VisitorSession
from core import tenancy
from tenants.preferences import values_for

SEEN_RESOLUTION = timedelta(minutes=5)


def visitor_session_start(
    *, key: str, origin: str, visitor_token: str = "", user_token: str = "", channel: str = "web"
) -> VisitorSession:
    """Let a visitor in: whom the business names, a known one by token, anyone else as a new one.

    `origin` is the page's Origin header, "" where there is none. A token that has expired or is
    another workspace's is not an error here: its bearer is a new visitor. The conversation is the
    one under way; after a resolve a new one. With a `user_token` that the business has signed it is
    that customer's, and an anonymous visitor's conversations become theirs. Raises WidgetUnknown,
    OriginRefused, IdentityTokenInvalid.
    """
    widget = selectors.widget_get(key=key)
    if not origin_is_allowed(origin, widget.allowed_origins):
        raise OriginRefused()
    identity = identity_verify(user_token=user_token) if user_token else None
    customer = _customer_known(visitor_token)
    with transaction.atomic():
        if identity is not None:
            customer = visitor_identify(identity=identity, visitor=customer)
        customer = customer or Customer.objects.create()
        conversation = visitor_conversation(customer=customer, channel=channel)
    return VisitorSession(
        visitor_token=visitor_token_sign(customer.pk),
        customer_id=customer.pk,
        conversation_id=conversation.pk,
        is_identified=customer.identified_at is not None,
    )


def _customer_known(visitor_token: str) -> Customer | None:
    try:
        return visitor_authenticate(visitor_token=visitor_token) if visitor_token else None
    except VisitorTokenInvalid:
        return None


def visitor_conversation(*, customer: Customer, channel: str = "web") -> Conversation:
    """Return the customer's unfinished conversation in the channel, or begin one.

    Locks the customer, so that two tabs opened at once share one conversation.
    """
    with transaction.atomic():
        Customer.objects.select_for_update().get(pk=customer.pk)
        current = selectors.conversation_current(customer=customer, channel=channel)
        return current or Conversation.objects.create(customer=customer, channel=channel)


def visitor_authenticate(*, visitor_token: str) -> Customer:
    """Return who the token names; raises VisitorTokenInvalid, also for another workspace's."""
    try:
        content = _signer().unsign_object(visitor_token, max_age=_token_age())
        customer_id = UUID(content["customer"])
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        raise VisitorTokenInvalid() from None
    customer = selectors.customer_get(customer_id=customer_id)
    if customer is None or customer.carried_to_id is not None:
        raise VisitorTokenInvalid()
    _seen_touch(customer)
    return customer


def visitor_token_sign(customer_id: UUID) -> str:
    """Return a token made of characters that a WebSocket subprotocol may have."""
    return _signer().sign_object({"customer": customer_id.hex})


def _token_age() -> timedelta:
    return timedelta(days=values_for(VisitorRules).remembered_days)


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=f"visitor:{tenancy.require().id.hex}", sep=".")


def _seen_touch(customer: Customer) -> None:
    now = timezone.now()
    if now - customer.last_seen_at > SEEN_RESOLUTION:
        Customer.objects.filter(pk=customer.pk).update(last_seen_at=now)


def customer_ensure(*, external_id: str) -> Customer:
    """Return the customer whom the business knows by this id, new if need be. Idempotent."""
    cleaned = external_id.replace("\x00", "")[:200]
    customer, _ = Customer.objects.get_or_create(external_id=cleaned)
    _seen_touch(customer)
    return customer


def customer_update(*, customer_id: UUID, name: str = "", email: str = "") -> Customer | None:
    """Note what the customer goes by; empty values change nothing."""
    changes = {field: value for field, value in (("name", name), ("email", email)) if value}
    if changes:
        Customer.objects.filter(pk=customer_id).update(**changes)
    return selectors.customer_get(customer_id=customer_id)
