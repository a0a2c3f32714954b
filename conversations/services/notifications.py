"""Telling the team, by mail and Slack, that a visitor waits for a person."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations import selectors
from conversations.errors import (
    ConversationNotFound,
    NotificationTargetInvalid,
    NotificationTargetNotFound,
    SkillsInvalid,
    TooManyNotificationTargets,
)
from conversations.models import Conversation, NotificationTarget
from conversations.services.agents import queue_is_name
from conversations.support_preferences import AssignmentRules
from conversations.types import ConversationState, NotificationKind
from core import tenancy
from core.audit.record import act_record
from core.audit.types import Act
from core.events.registry import Later
from core.fetch import post
from tenants.mail import Letter, letter_send
from tenants.preferences import values_for
from tenants.selectors import tenant_base_url
from tenants.tokens import sealing

log = structlog.get_logger(__name__)
TARGETS_LIMIT = 50
_PURPOSE = b"frontdesk/notification/v1"


def notification_target_add(*, address: str, queue: str = "") -> NotificationTarget:
    """Add somebody who is told; a mail address, or a Slack channel's webhook.

    The address is kept sealed, and what is shown of a webhook opens nothing. Audited. Raises
    NotificationTargetInvalid, SkillsInvalid, TooManyNotificationTargets.
    """
    address, queue = address.strip(), queue.strip().lower()
    kind = _kind_of(address)
    if queue and not queue_is_name(queue):
        raise SkillsInvalid()
    with transaction.atomic():
        if selectors.notification_target_list().count() >= TARGETS_LIMIT:
            raise TooManyNotificationTargets()
        target = NotificationTarget.objects.create(
            kind=kind, sealed=_sealed(address), shown=_shown(kind, address), queue=queue
        )
        _record(target, "added")
    return target


def notification_target_remove(*, target_id: UUID) -> None:
    """Tell somebody no longer; audited. Raises NotificationTargetNotFound."""
    with transaction.atomic():
        target = NotificationTarget.objects.select_for_update().filter(pk=target_id).first()
        if target is None:
            raise NotificationTargetNotFound()
        _record(target, "removed")
        target.delete()


def _kind_of(address: str) -> NotificationKind:
    parts = urlsplit(address)
    if f"{parts.scheme}://{parts.netloc}" in settings.SLACK_ORIGINS and len(address) <= 500:
        return NotificationKind.SLACK
    try:
        validate_email(address)
    except ValidationError as error:
        raise NotificationTargetInvalid() from error
    return NotificationKind.EMAIL


def _shown(kind: NotificationKind, address: str) -> str:
    return address if kind is NotificationKind.EMAIL else f"Slack …{address[-4:]}"


def _sealed_name() -> str:
    """Return what an address is sealed to: no other tenant's row can hold it."""
    return f"notification:{tenancy.require().id.hex}"


def _sealed(address: str) -> bytes:
    return sealing.seal(address.encode(), name=_sealed_name(), purpose=_PURPOSE)


def _record(target: NotificationTarget, what: str) -> None:
    act_record(
        act=Act.NOTIFICATIONS_CHANGED,
        target_kind="notification",
        target_id=target.pk,
        data={"what": what, "kind": target.kind, "queue": target.queue},
    )


def handover_notify(*, conversation_id: UUID, since: datetime) -> int:
    """Have everyone told of a visitor who waits; returns how many are.

    Nobody is told of who has got a person meanwhile. Raises Later while it is not yet time.
    """
    found = Conversation.objects.filter(pk=conversation_id, state=ConversationState.QUEUED).first()
    if found is None:
        return 0
    due_at = since + timedelta(minutes=values_for(AssignmentRules).notify_minutes)
    left = (due_at - timezone.now()).total_seconds()
    if left > 0:
        raise Later(left)
    targets = list(selectors.notification_targets_for(found.queue))
    for target in targets:
        _enqueue(conversation_id, target.pk)
    return len(targets)


def _enqueue(conversation_id: UUID, target_id: UUID) -> None:
    send = current_app.signature(
        "conversations.notification_send",
        kwargs={"conversation_id": str(conversation_id), "target_id": str(target_id)},
    )
    transaction.on_commit(send.apply_async)


def notification_send(*, conversation_id: UUID, target_id: UUID) -> None:
    """Tell one target that a visitor waits, if they still do.

    Sent again after a failure, so possibly twice. Raises OSError and FetchFailed, which are worth
    another try.
    """
    target = NotificationTarget.objects.filter(pk=target_id).first()
    try:
        found = selectors.conversation_get(conversation_id=conversation_id)
    except ConversationNotFound:
        return
    if target is None or found.state != ConversationState.QUEUED:
        return
    failed_at: datetime | None = timezone.now()
    try:
        if _is_told(target, found):
            failed_at = None
    finally:
        NotificationTarget.objects.filter(pk=target.pk).update(failed_at=failed_at)


def _is_told(target: NotificationTarget, conversation: Conversation) -> bool:
    address = sealing.unseal(bytes(target.sealed), name=_sealed_name(), purpose=_PURPOSE)
    if address is None:  # sealed under a SECRET_KEY that is gone: trying again changes nothing
        log.error("notification_unreadable", target=str(target.pk))
        return False
    _told(NotificationKind(target.kind), address.decode(), conversation)
    return True


def _told(kind: NotificationKind, address: str, conversation: Conversation) -> None:
    if kind is NotificationKind.EMAIL:
        letter_send(to=address, letter=_letter(conversation))
    else:
        url = tenant_base_url(tenancy.require().slug) + _path(conversation)
        text = f"{_waits(conversation)} <{url}|{_('Open the conversation')}>"
        post(address, content=json.dumps({"text": text}).encode())


def _letter(conversation: Conversation) -> Letter:
    return Letter(
        subject=_("A visitor waits for a person"),
        lines=(
            _waits(conversation),
            _("Who claims the conversation in the inbox answers it; the others need do nothing."),
        ),
        action=_("Open the conversation"),
        path=_path(conversation),
    )


def _waits(conversation: Conversation) -> str:
    """Return what has happened, without a word of what the visitor said or who they are."""
    return _("A visitor waits in the queue “%(queue)s” since %(at)s UTC.") % {
        "queue": conversation.queue,
        "at": (conversation.queued_at or timezone.now()).strftime("%H:%M"),
    }


def _path(conversation: Conversation) -> str:
    return reverse("conversations:conversation", args=[conversation.pk])
