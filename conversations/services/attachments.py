"""Files for messages: taken in first, then sent with a message, or swept after a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from conversations.attachments.media import media_sniff
from conversations.errors import (
    AttachmentNameInvalid,
    AttachmentNotFound,
    AttachmentTaken,
    AttachmentTooLarge,
    TooManyAttachments,
)
from conversations.models import Attachment, AttachmentContent, Conversation
from conversations.services.transcript import conversation_lock, person_require
from conversations.types import ATTACHMENT_BYTES, ATTACHMENTS_LIMIT, Author
from core.events import catalogue, publish
from core.uploads import filename_clean
from tenants.admission.admit import Work, admit
from tenants.admission.holds import amounts_release, amounts_settle
from tenants.admission.uploads import upload_place

MAX_NAME: Final = 200
# What was uploaded and not sent is kept so long, and so many of one conversation.
KEPT: Final = timedelta(days=1)
WAITING_LIMIT: Final = 20


def attachment_upload(
    *, conversation_id: UUID, filename: str, content: bytes, person_id: UUID | None = None
) -> Attachment:
    """Take in a file for a message of the conversation that is still to be sent.

    With a person it is for an agent's reply, else for the visitor's message. Counts its bytes
    against the plan's storage. Locks the conversation. Raises ConversationNotFound,
    PersonNotFound, what is wrong with the file (`conversations.attachments.media`,
    AttachmentNameInvalid, AttachmentTooLarge), TooManyAttachments, QuotaExceeded,
    ConcurrencyLimit, and ServiceUnavailable while nobody can count. Publishes AttachmentStored.
    """
    name = _name_checked(filename)
    size_check(len(content))
    with upload_place():
        media = media_sniff(name=name, content=content)
        attachment = Attachment(
            conversation_id=conversation_id,
            author=(Author.AGENT if person_id else Author.VISITOR).value,
            person_id=person_id,
            name=name,
            media_type=media.media_type,
            size=len(content),
            width=media.width,
            height=media.height,
        )
        _store_counted(attachment, content)
    return attachment


def size_check(size: int) -> None:
    """Refuse a file by its size alone, before it is read; raises AttachmentTooLarge."""
    if size > ATTACHMENT_BYTES:
        raise AttachmentTooLarge(limit=ATTACHMENT_BYTES)


def _name_checked(filename: str) -> str:
    name = filename_clean(filename)
    if not name or len(name) > MAX_NAME:
        raise AttachmentNameInvalid()
    return name


def _store_counted(attachment: Attachment, content: bytes) -> None:
    """Store the file and count its bytes: both, or neither."""
    amounts, reservation = {"storage_bytes": attachment.size}, f"attachment:{attachment.pk}"
    admit(purpose="upload", work=Work(amounts=amounts, reservation_id=reservation)).enforce()
    try:
        with transaction.atomic():
            _store(attachment, content)
            transaction.on_commit(
                lambda: amounts_settle(reservation_id=reservation, amounts=amounts)
            )
    except BaseException:
        amounts_release(reservation_id=reservation, amounts=amounts)
        raise


def _store(attachment: Attachment, content: bytes) -> None:
    conversation_lock(attachment.conversation_id)
    if attachment.person_id:
        person_require(attachment.person_id)
    waiting = Attachment.objects.filter(
        conversation_id=attachment.conversation_id, author=attachment.author, message=None
    )
    if waiting.count() >= WAITING_LIMIT:
        raise TooManyAttachments(f"{WAITING_LIMIT} uploads wait to be sent already.")
    attachment.save(force_insert=True)
    AttachmentContent.objects.create(attachment=attachment, content=content)
    publish(
        catalogue.AttachmentStored(
            conversation_id=attachment.conversation_id,
            attachment_id=attachment.pk,
            bytes=attachment.size,
        )
    )


def attachment_discard(*, attachment: Attachment, person_id: UUID | None) -> None:
    """Remove an upload that was not sent, for who uploaded it.

    Raises AttachmentNotFound for somebody else's, AttachmentTaken for what was sent.
    """
    if attachment.message_id is None and attachment.person_id != person_id:
        raise AttachmentNotFound()
    with transaction.atomic():
        deleted, _ = Attachment.objects.filter(pk=attachment.pk, message=None).delete()
    if not deleted:
        raise AttachmentTaken()


def attachments_take(
    conversation: Conversation, ids: Sequence[UUID], *, person_id: UUID | None = None
) -> list[Attachment]:
    """Return the uploads that a message of a locked conversation is sent with, in order.

    Raises TooManyAttachments, AttachmentTaken for one that another message has or that is named
    twice, and AttachmentNotFound for one that is not there, has lapsed, or is somebody else's.
    """
    if len(ids) > ATTACHMENTS_LIMIT:
        raise TooManyAttachments()
    if not ids:
        return []
    author = Author.AGENT if person_id else Author.VISITOR
    rows = Attachment.objects.select_for_update().filter(
        conversation=conversation, author=author, person_id=person_id, pk__in=ids
    )
    found = {row.pk: row for row in rows.order_by("pk")}
    if len(set(ids)) < len(ids) or any(row.message_id for row in found.values()):
        raise AttachmentTaken()
    oldest = timezone.now() - KEPT
    if not all(pk in found and found[pk].created_at > oldest for pk in ids):
        raise AttachmentNotFound()
    return [found[pk] for pk in ids]


def attachments_sweep() -> int:
    """Delete uploads that nobody sent within a day; returns how many. Idempotent."""
    lapsed = Attachment.objects.filter(message=None, created_at__lte=timezone.now() - KEPT)
    # Parallel writers lock one first; those wait for the next sweep.
    with transaction.atomic():
        mine = lapsed.select_for_update(skip_locked=True).order_by("pk")[:1_000]
        doomed = list(mine.values_list("pk", flat=True))
        Attachment.objects.filter(pk__in=doomed).delete()
    return len(doomed)
