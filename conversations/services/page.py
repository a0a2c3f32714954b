"""Where the visitor writes from."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from conversations.services.transcript import conversation_lock


def conversation_page_note(*, conversation_id: UUID, url: str, title: str) -> None:
    """Note the page a visitor writes from, for the agent beside them. Idempotent.

    Locks the conversation. Raises ConversationNotFound. Publishes nothing.
    """
    page = {"page_url": url.replace("\x00", ""), "page_title": title.replace("\x00", "")}
    with transaction.atomic():
        conversation = conversation_lock(conversation_id)
        if conversation.context | page == conversation.context:
            return
        conversation.context = {**conversation.context, **page}
        conversation.save(update_fields=["context"])
