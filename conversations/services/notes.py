"""Notes: what the team says to itself about a conversation."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from conversations import announce
from conversations.models import ConversationNote
from conversations.services.transcript import conversation_lock, person_require
from conversations.texts import client_id_check, text_clean
from tenants.selectors import membership_list


def note_add(
    *, conversation_id: UUID, person_id: UUID, client_id: str, text: str
) -> ConversationNote:
    """Add a note that the team alone sees; members named as ``@Their Name`` are mentioned.

    Idempotent by client id: the first note under it stands. Locks the conversation. Raises
    ConversationNotFound, PersonNotFound, MessageEmpty, MessageTooLong, ClientIdInvalid.
    """
    cleaned, client_id = text_clean(text), client_id_check(client_id)
    with transaction.atomic():
        conversation = conversation_lock(conversation_id)
        known = ConversationNote.objects.filter(
            conversation=conversation, client_id=client_id
        ).first()
        if known is not None:
            return known
        person = person_require(person_id)
        note = ConversationNote.objects.create(
            conversation=conversation,
            person_id=person.pk,
            name=person.display_name,
            text=cleaned,
            mentions=mentions_in(cleaned),
            client_id=client_id,
        )
        announce.change_announce(conversation)
    return note


def mentions_in(text: str) -> list[UUID]:
    """Return the members named in a text, as ``@`` and their name or e-mail address."""
    said = text.lower()
    people = [membership.person for membership in membership_list()] if "@" in said else []
    return [
        person.pk
        for person in people
        if any(f"@{name.lower()}" in said for name in (person.display_name, person.email) if name)
    ]
