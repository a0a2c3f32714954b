"""What the inbox shows beside a conversation: facts, section by section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext

from conversations.models import Conversation, Customer, Rating

RATING_TOP = 5


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str = ""
    url: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FactSection:
    title: str
    facts: tuple[Fact, ...]


def facts_of(conversation: Conversation, rating: Rating | None) -> tuple[FactSection, ...]:
    """Return what is known of the customer and of the conversation, section by section."""
    customer = conversation.customer
    person = (
        Fact(gettext("First seen"), at=customer.created_at),
        Fact(gettext("Last seen"), at=customer.last_seen_at),
        *_optional(gettext("Your id"), customer.external_id or ""),
        *_identity_facts(customer),
    )
    talk = (
        Fact(
            gettext("Channel"),
            gettext("Web chat") if conversation.channel == "web" else conversation.channel,
        ),
        Fact(gettext("Started"), at=conversation.created_at),
        Fact(gettext("Messages"), str(conversation.seq)),
        *_page_facts(conversation.context),
        *_optional(gettext("Handed over"), conversation.reason.replace("_", " ")),
    )
    sections = (
        FactSection(gettext("Customer"), person),
        FactSection(gettext("Said by your page"), tuple(_attribute_facts(customer.attributes))),
        FactSection(gettext("Asked before"), tuple(_form_facts(conversation.context))),
        FactSection(gettext("Rating"), tuple(_rating_facts(rating))),
        FactSection(gettext("Conversation"), talk),
    )
    return tuple(section for section in sections if section.facts)


def _identity_facts(customer: Customer) -> Sequence[Fact]:
    if customer.identified_at is None:
        return ()
    return (Fact(gettext("Confirmed by your token"), at=customer.identified_at),)


def _attribute_facts(attributes: Mapping[str, Any]) -> Iterator[Fact]:
    for name, value in sorted(attributes.items()):
        yield Fact(name.replace("_", " "), _said(value))


def _form_facts(context: Mapping[str, Any]) -> Iterator[Fact]:
    """Return what the visitor answered to the form, and where they asked to be answered."""
    for answer in context.get("form", ()):
        yield Fact(str(answer["label"]), _said(answer["value"]))
    contact = context.get("contact") or {}
    who = " · ".join(part for part in (contact.get("name"), contact.get("email")) if part)
    yield from _optional(gettext("Answer to"), who)


def _rating_facts(rating: Rating | None) -> Iterator[Fact]:
    if rating is None:
        return
    stars = "★" * rating.score + "☆" * (RATING_TOP - rating.score)
    yield Fact(gettext("%(score)d of 5") % {"score": rating.score}, stars)
    yield from _optional(gettext("Comment"), rating.comment)
    yield Fact(gettext("Given"), at=rating.updated_at)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    return str(value)


def _optional(label: str, value: str) -> Sequence[Fact]:
    return (Fact(label, value),) if value else ()


def _page_facts(context: dict[str, Any]) -> Sequence[Fact]:
    """Return the page the visitor wrote from, as a link when its address is an ordinary one."""
    address = str(context.get("page_url") or "")
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"}:
        return ()
    label = str(context.get("page_title") or "") or f"{parts.netloc}{parts.path}"
    return (Fact(gettext("Page"), label, url=address),)
