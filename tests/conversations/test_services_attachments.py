"""Uploads and what becomes of them: sent once, with the message or not at all, else swept."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from conversations import selectors, services, tasks
from conversations.attachments.reading import text_told
from conversations.errors import (
    AttachmentNameInvalid,
    AttachmentNotFound,
    AttachmentTaken,
    AttachmentTooLarge,
    ConversationNotFound,
    MessageEmpty,
    TooManyAttachments,
)
from conversations.models import Attachment, AttachmentContent, Conversation, Message
from conversations.services.attachments import WAITING_LIMIT
from conversations.types import ATTACHMENT_BYTES
from core import tenancy
from core.events import catalogue
from core.events.models import OutboxEvent
from core.tenancy import TenantContext
from tenants.admission.current import quota_current
from tenants.admission.quota import quota_held
from tenants.errors import ConcurrencyLimit, QuotaExceeded
from tests.conftest import Plan
from tests.conversations.files import PDF
from tests.factories.conversations import attachment_make, conversation_make


@pytest.fixture
def conversation(in_acme: TenantContext) -> Conversation:
    return conversation_make()


def sent(conversation: Conversation, *ids: UUID, text: str = "", client_id: str = "m-1") -> Message:
    received = services.message_receive(
        conversation_id=conversation.pk, client_id=client_id, text=text, attachments=ids
    )
    return Message.objects.get(pk=received.message_id)


def test_message_may_be_files_alone_in_the_order_they_were_named(
    conversation: Conversation,
) -> None:
    first, second = (attachment_make(conversation.pk, filename=f"{n}.png") for n in "ab")
    message = sent(conversation, second.pk, first.pk)
    assert message.text == ""
    assert [part["name"] for part in message.attachments] == ["b.png", "a.png"]
    assert message.attachments[0] == {
        "id": str(second.pk), "name": "b.png", "media_type": "image/png", "size": 33,
        "width": 2, "height": 3,
    }  # fmt: skip
    conversation.refresh_from_db()
    assert conversation.preview == "b.png, a.png"


def test_message_without_words_and_files_is_empty(conversation: Conversation) -> None:
    with pytest.raises(MessageEmpty):
        sent(conversation)


def test_message_sent_again_is_stored_once_with_its_files(conversation: Conversation) -> None:
    upload = attachment_make(conversation.pk)
    assert sent(conversation, upload.pk) == sent(conversation, upload.pk)
    assert Message.objects.count() == 1


def test_upload_is_sent_with_one_message_only(conversation: Conversation) -> None:
    upload = attachment_make(conversation.pk)
    sent(conversation, upload.pk)
    with pytest.raises(AttachmentTaken):
        sent(conversation, upload.pk, client_id="m-2")
    other = attachment_make(conversation.pk)
    with pytest.raises(AttachmentTaken):
        sent(conversation, other.pk, other.pk, client_id="m-2")
    assert Message.objects.count() == 1


def test_upload_of_elsewhere_is_not_there(
    conversation: Conversation, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(globex):
        foreign = attachment_make(conversation_make().pk)
    others = attachment_make(conversation_make().pk)
    own = attachment_make(conversation.pk)
    for stranger in (uuid4(), foreign.pk, others.pk):
        with pytest.raises(AttachmentNotFound):
            sent(conversation, own.pk, stranger, text="Look")
    assert Message.objects.count() == 0
    assert not Attachment.objects.exclude(message=None).exists()


def test_agents_uploads_are_not_the_visitors_nor_another_agents(
    conversation: Conversation, people: dict[tuple[str, str], object]
) -> None:
    agent, owner = (UUID(str(people["acme", role].pk)) for role in ("agent", "owner"))  # type: ignore[attr-defined]
    services.conversation_claim(conversation_id=conversation.pk, person_id=agent)
    theirs = attachment_make(conversation.pk, person_id=agent)
    not_theirs = attachment_make(conversation.pk, person_id=owner)
    visitors = attachment_make(conversation.pk)
    with pytest.raises(AttachmentNotFound):
        sent(conversation, theirs.pk)
    for stranger in (not_theirs, visitors):
        with pytest.raises(AttachmentNotFound):
            services.agent_reply(
                conversation_id=conversation.pk, person_id=agent, client_id="a-1", text="Here",
                attachments=[stranger.pk],
            )  # fmt: skip
    reply = services.agent_reply(
        conversation_id=conversation.pk, person_id=agent, client_id="a-1", text="",
        attachments=[theirs.pk],
    )  # fmt: skip
    assert [part["id"] for part in reply.attachments] == [str(theirs.pk)]


def test_more_than_five_files_are_refused(conversation: Conversation) -> None:
    uploads = [attachment_make(conversation.pk).pk for _ in range(6)]
    with pytest.raises(TooManyAttachments):
        sent(conversation, *uploads)
    assert len(sent(conversation, *uploads[:5]).attachments) == 5


def test_uploads_that_wait_are_bounded(conversation: Conversation) -> None:
    for _ in range(WAITING_LIMIT):
        attachment_make(conversation.pk)
    with pytest.raises(TooManyAttachments):
        attachment_make(conversation.pk)
    attachment_make(conversation_make().pk)


@pytest.mark.parametrize("name", ["", "..", "/", "\u202e\x00", "x" * 200 + ".png"])
def test_file_without_a_name_is_refused(conversation: Conversation, name: str) -> None:
    with pytest.raises(AttachmentNameInvalid):
        attachment_make(conversation.pk, filename=name)


def test_file_too_large_is_refused(conversation: Conversation) -> None:
    with pytest.raises(AttachmentTooLarge):
        attachment_make(conversation.pk, filename="a.txt", content=b"a" * (ATTACHMENT_BYTES + 1))


def test_conversation_of_another_tenant_takes_no_upload(
    in_acme: TenantContext, globex: TenantContext
) -> None:
    with tenancy.tenant_scope(globex):
        foreign = conversation_make()
    with pytest.raises(ConversationNotFound):
        attachment_make(foreign.pk)
    quota = quota_current("storage_bytes")
    assert quota is None or quota_held(quota=quota) == 0


def test_storage_is_counted_and_bounded_by_the_plan(
    plan: Plan, in_acme: TenantContext, django_capture_on_commit_callbacks: object
) -> None:
    plan(storage_bytes=len(PDF) + 5)
    conversation = conversation_make()
    attachment_make(conversation.pk, filename="a.pdf", content=PDF)
    with pytest.raises(QuotaExceeded):
        attachment_make(conversation.pk, filename="b.pdf", content=PDF)
    stored = OutboxEvent.objects.filter(name=catalogue.AttachmentStored.name)
    assert [event.payload["bytes"] for event in stored] == [len(PDF)]
    assert Attachment.objects.count() == 1


def test_uploads_at_once_are_bounded(plan: Plan, in_acme: TenantContext) -> None:
    plan(concurrent_uploads=0)
    with pytest.raises(ConcurrencyLimit):
        attachment_make(conversation_make().pk)


def test_killed_between_upload_and_commit_leaves_the_upload_to_be_sent(
    conversation: Conversation,
) -> None:
    upload = attachment_make(conversation.pk)
    with transaction.atomic():
        sent(conversation, upload.pk)
        transaction.set_rollback(True)
    assert Message.objects.count() == 0
    assert sent(conversation, upload.pk).attachments


def lapse(*attachments: Attachment) -> None:
    ids = [attachment.pk for attachment in attachments]
    Attachment.objects.filter(pk__in=ids).update(created_at=timezone.now() - timedelta(hours=25))


def test_upload_lapses_after_a_day(conversation: Conversation) -> None:
    upload = attachment_make(conversation.pk)
    lapse(upload)
    with pytest.raises(AttachmentNotFound):
        sent(conversation, upload.pk)


def test_sweep_deletes_what_was_not_sent_of_every_tenant_and_nothing_else(
    conversation: Conversation, globex: TenantContext
) -> None:
    old, fresh, used = (attachment_make(conversation.pk) for _ in range(3))
    sent(conversation, used.pk)
    lapse(old, used)
    with tenancy.tenant_scope(globex):
        foreign = attachment_make(conversation_make().pk)
        lapse(foreign)
    for _ in range(2):
        tasks.attachments_sweep()
    assert set(Attachment.objects.values_list("pk", flat=True)) == {fresh.pk, used.pk}
    assert AttachmentContent.objects.count() == 2
    with tenancy.tenant_scope(globex):
        assert not Attachment.objects.exists()


def test_customer_deleted_takes_the_files_along(conversation: Conversation) -> None:
    sent(conversation, attachment_make(conversation.pk).pk)
    conversation.customer.delete()
    assert not AttachmentContent.objects.exists()


def test_turn_tells_that_files_came_and_reads_text_out(conversation: Conversation) -> None:
    picture = attachment_make(conversation.pk)
    text = attachment_make(conversation.pk, filename="log.txt", content=b"Error 7")
    sent(conversation, picture.pk, text.pk, text="Broken")
    turn = selectors.turn_context(conversation_id=conversation.pk)
    assert turn.text == (
        'Broken\n[Attached file "tent.png", image/png: its content cannot be read here.]\n'
        '[Attached file "log.txt", text/plain:]\nError 7'
    )
    assert "Error 7" not in turn.last_text


def test_long_text_is_read_out_in_part(conversation: Conversation) -> None:
    upload = attachment_make(conversation.pk, filename="a.txt", content=("é" * 9_000).encode())
    message = sent(conversation, upload.pk)
    assert text_told("", message.attachments, is_open=True).count("é") == 4_000
