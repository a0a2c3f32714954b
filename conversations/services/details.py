"""What a visitor, or the page they are on, says of them without proof."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations import announce, selectors
from conversations.asking import NAME, FieldKind, FormField, answers_check, email_check, fields_of
from conversations.errors import IdentityRequired
from conversations.models import Conversation, Customer
from conversations.services.transcript import conversation_lock
from conversations.texts import text_is_storable
from core.errors import ValidationFailed

ATTRIBUTES_LIMIT = 20
ATTRIBUTE_LENGTH = 200
NAME_LENGTH = 120
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_LARGEST = 10**15
_Scalar = str | int | float | bool | None


def attributes_note(*, customer_id: UUID, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what a page says of its visitor and return all that is kept; null takes one away.

    At most 20 of short texts, numbers and booleans. They are the page's claim and open nothing.
    Idempotent; locks the customer. Raises ValidationFailed. Publishes nothing.
    """
    faults = [fault for item in attributes.items() if (fault := _attribute_fault(*item))]
    if faults:
        raise ValidationFailed(errors=faults)
    with transaction.atomic():
        customer = Customer.objects.select_for_update().get(pk=customer_id)
        merged = {**customer.attributes, **attributes}
        kept = {name: value for name, value in merged.items() if value is not None}
        if len(kept) > ATTRIBUTES_LIMIT:
            detail = _("A visitor has %(limit)d attributes at most.") % {"limit": ATTRIBUTES_LIMIT}
            fault = {"pointer": "/attributes", "code": "too_many", "detail": detail}
            raise ValidationFailed(errors=[fault])
        if kept != customer.attributes:
            customer.attributes = kept
            customer.save(update_fields=["attributes"])
            _announce(customer)
    return kept


def _attribute_fault(name: str, value: Any) -> dict[str, str] | None:
    detail = ""
    if not _ATTRIBUTE.fullmatch(name):
        detail = _("A name has up to 40 letters, digits and underscores, a letter first.")
    elif not isinstance(value, _Scalar):
        detail = _("A value is a text, a number, true, false or null.")
    elif isinstance(value, str) and (len(value) > ATTRIBUTE_LENGTH or not text_is_storable(value)):
        detail = _("A text has up to 200 characters.")
    elif isinstance(value, int | float) and not (math.isfinite(value) and abs(value) < _LARGEST):
        detail = _("This number is too large.")
    pointer = f"/attributes/{name[:40]}" if text_is_storable(name) else "/attributes"
    return {"pointer": pointer, "code": "invalid", "detail": detail} if detail else None


def contact_claim(*, customer_id: UUID, name: str = "", email: str = "") -> Customer:
    """Note what an unsigned visitor goes by.

    Raises IdentityRequired where the workspace believes signed tokens alone, and for a customer
    whom one has named; ValidationFailed for an address that is none.
    """
    name, email = _contact_check(name, email)
    with transaction.atomic():
        customer = Customer.objects.select_for_update().get(pk=customer_id)
        if not _may_claim(customer):
            raise IdentityRequired()
        _contact_store(customer, name, email)
    return customer


def contact_leave(*, conversation_id: UUID, name: str = "", email: str = "") -> Conversation:
    """Note where to answer a visitor whom nobody can answer now.

    It belongs to the conversation; the customer goes by it where they may say who they are.
    Idempotent; locks the conversation, then the customer. Raises ConversationNotFound,
    ValidationFailed.
    """
    name, email = _contact_check(name, email)
    if not email:
        raise ValidationFailed(errors=[_fault("email", "required", _("Please fill this in."))])
    with transaction.atomic():
        conversation = conversation_lock(conversation_id)
        contact = {"name": name, "email": email, "at": timezone.now().isoformat()}
        conversation.context = {**conversation.context, "contact": contact}
        conversation.save(update_fields=["context"])
        _customer_fill(conversation.customer_id, name, email)
        announce.change_announce(conversation)
    return conversation


def form_answer(*, conversation_id: UUID, answers: Mapping[str, Any]) -> Conversation:
    """Keep what a visitor answered to the workspace's form, with conversation and customer.

    Idempotent: answering again replaces. Locks the conversation, then the customer. Raises
    ConversationNotFound, ValidationFailed naming each fault.
    """
    widget = selectors.widget_current()
    with transaction.atomic():
        conversation = conversation_lock(conversation_id)
        fields = _fields_asked(conversation.customer, widget.form if widget else ())
        cleaned = answers_check(fields, answers)
        given = [
            {"id": field.id, "label": field.label, "value": cleaned[field.id]}
            for field in fields
            if field.id in cleaned
        ]
        conversation.context = {**conversation.context, "form": given}
        conversation.save(update_fields=["context"])
        _answers_store(conversation.customer_id, fields, given)
        announce.change_announce(conversation)
    return conversation


def _fields_asked(customer: Customer, stored: Iterable[Mapping[str, Any]]) -> list[FormField]:
    """Return the form's fields; what is known of the customer need not be answered again."""
    fields = fields_of(stored)
    needed = {field.id for field in selectors.fields_open(customer, fields)}
    known = {"required": False}
    return [each if each.id in needed else each.model_copy(update=known) for each in fields]


def _answers_store(customer_id: UUID, fields: list[FormField], given: list[dict[str, Any]]) -> None:
    customer = Customer.objects.select_for_update().get(pk=customer_id)
    now = timezone.now().isoformat()
    noted = {
        each["id"]: {"label": each["label"], "value": each["value"], "at": now} for each in given
    }
    customer.answers = {**customer.answers, **noted}
    customer.save(update_fields=["answers"])
    values = {each["id"]: each["value"] for each in given}
    emails = [values[each.id] for each in fields if _is(each, FieldKind.EMAIL, values)]
    names = [
        values[NAME] for each in fields if each.id == NAME and _is(each, FieldKind.TEXT, values)
    ]
    if _may_claim(customer):
        _contact_store(customer, *(next(iter(found), "") for found in (names, emails)))


def _is(field: FormField, kind: FieldKind, values: Mapping[str, Any]) -> bool:
    return field.kind is kind and field.id in values


def _may_claim(customer: Customer) -> bool:
    """Return whether a visitor's own word says who they are."""
    widget = selectors.widget_current()
    return customer.identified_at is None and not (widget and widget.requires_identity)


def _customer_fill(customer_id: UUID, name: str, email: str) -> None:
    """Note what is not known yet, where the customer's own word counts."""
    customer = Customer.objects.select_for_update().get(pk=customer_id)
    if _may_claim(customer):
        _contact_store(customer, "" if customer.name else name, "" if customer.email else email)


def _contact_store(customer: Customer, name: str, email: str) -> None:
    if name or email:
        customer.name, customer.email = name[:NAME_LENGTH] or customer.name, email or customer.email
        customer.save(update_fields=["name", "email"])
        _announce(customer)


def _contact_check(name: str, email: str) -> tuple[str, str]:
    name, email = name.strip(), email.strip()
    faults = []
    if len(name) > NAME_LENGTH or not text_is_storable(name):
        faults.append(_fault("name", "invalid", _("A name has up to 120 characters.")))
    try:
        email = email_check(email) if email else ""
    except ValueError as error:
        faults.append(_fault("email", *error.args))
    if faults:
        raise ValidationFailed(errors=faults)
    return name, email


def _fault(name: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": f"/{name}", "code": code, "detail": detail}


def _announce(customer: Customer) -> None:
    """Show the agents the conversation under way as it looks now."""
    current = selectors.conversation_current(customer=customer, channel="web")
    if current is not None and current.seq:
        current.customer = customer
        announce.inbox_announce(current)
