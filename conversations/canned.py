"""Reads of canned replies: who has which, and what they say to one customer."""

from __future__ import annotations

from uuid import UUID

from django.db.models import BooleanField, Case, F, Q, QuerySet, Value, When

from conversations.errors import CannedReplyNotFound
from conversations.models import CannedReply, Conversation
from tenants.selectors import tenant_current

WORDS_LIMIT = 8


def canned_reply_list(*, person_id: UUID | None, query: str = "") -> QuerySet[CannedReply]:
    """Return everybody's replies and this person's that have all words of a query.

    Those whose shortcut begins with it come first, then one's own, then by shortcut.
    """
    asked = query.replace("\x00", "").strip().lower()
    found = CannedReply.objects.filter(Q(owner_id=None) | Q(owner_id=person_id))
    for word in asked.split()[:WORDS_LIMIT]:
        found = found.filter(Q(shortcut__icontains=word) | Q(text__icontains=word))
    first = When(shortcut__startswith=asked, then=Value(value=True))
    is_meant = Case(first, default=Value(value=False), output_field=BooleanField())
    return found.annotate(is_meant=is_meant).order_by(
        "-is_meant", F("owner_id").asc(nulls_last=True), "shortcut"
    )


def canned_reply_get(*, reply_id: UUID, person_id: UUID | None) -> CannedReply:
    """Return a reply that this person has; raises CannedReplyNotFound."""
    found = canned_reply_list(person_id=person_id).filter(pk=reply_id).first()
    if found is None:
        raise CannedReplyNotFound()
    return found


def values_of(conversation: Conversation, *, agent_name: str) -> dict[str, str]:
    """Return what fills the open places of a text said in this conversation."""
    return {
        "customer.name": conversation.customer.name,
        "agent.name": agent_name,
        "workspace.name": tenant_current().name,
        "conversation.id": str(conversation.pk),
    }
