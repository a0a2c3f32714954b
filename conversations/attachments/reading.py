"""Reads of attachments: one to send to a browser, and what a run is told of those of a turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from conversations.attachments.media import TEXTUAL
from conversations.errors import AttachmentNotFound
from conversations.models import Attachment, AttachmentContent

# So much of a text file is read to the model.
TOLD_CHARACTERS: Final = 4_000


def attachment_get(*, attachment_id: UUID) -> Attachment:
    """Return an attachment with its conversation; raises AttachmentNotFound."""
    rows = Attachment.objects.select_related("conversation")
    found = rows.filter(pk=attachment_id).first()
    if found is None:
        raise AttachmentNotFound()
    return found


def attachment_sent_get(*, attachment_id: UUID, customer_id: UUID | None = None) -> Attachment:
    """Return an attachment of a message; raises AttachmentNotFound.

    With a customer, of a message in one of theirs. What was uploaded and not sent is nobody's yet.
    """
    found = attachment_get(attachment_id=attachment_id)
    is_theirs = customer_id in {None, found.conversation.customer_id}
    if found.message_id is None or not is_theirs:
        raise AttachmentNotFound()
    return found


def content_of(attachment: Attachment) -> bytes:
    """Return an attachment's bytes."""
    row = AttachmentContent.objects.only("content").get(attachment=attachment)
    return bytes(row.content)


def text_told(text: str, parts: Iterable[Mapping[str, Any]], *, is_open: bool) -> str:
    """Return a message's text with a line for each file, for who cannot see them.

    `is_open` reads text files out, as for what is to be answered now.
    """
    return "\n".join(filter(None, [text, *(_told(part, is_open=is_open) for part in parts)]))


def _told(part: Mapping[str, Any], *, is_open: bool) -> str:
    name, kind = part["name"], part["media_type"]
    if kind not in TEXTUAL:
        return f'[Attached file "{name}", {kind}: its content cannot be read here.]'
    if not is_open:
        return f'[Attached file "{name}", {kind}.]'
    return f'[Attached file "{name}", {kind}:]\n{_beginning(UUID(part["id"]))}'


def _beginning(attachment_id: UUID) -> str:
    row = AttachmentContent.objects.filter(attachment_id=attachment_id).first()
    # A character has four bytes at most; one cut in two is left out.
    return (
        bytes(row.content)[: TOLD_CHARACTERS * 4].decode("utf-8", "ignore")[:TOLD_CHARACTERS]
        if row
        else ""
    )
