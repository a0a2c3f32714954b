"""Canned replies: everybody's, which admins keep, and each agent's own."""

from __future__ import annotations

import re
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from conversations.errors import (
    CannedRepliesFull,
    CannedReplyNotFound,
    SharedByAdmins,
    ShortcutInvalid,
    ShortcutTaken,
)
from conversations.models import CannedReply
from conversations.texts import text_clean
from conversations.types import SHORTCUT_LENGTH
from conversations.variables import variables_check
from core.audit.record import act_record
from core.audit.types import Act

REPLIES_LIMIT = 500  # of a workspace, and of each person
_SHORTCUT = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{SHORTCUT_LENGTH - 1}}}")


def canned_reply_create(
    *, owner_id: UUID | None, shortcut: str, text: str, may_share: bool = False
) -> CannedReply:
    """Keep a text under a shortcut, for one person or, without an owner, for everybody.

    Raises SharedByAdmins, ShortcutInvalid, ShortcutTaken, VariableInvalid, CannedRepliesFull,
    MessageEmpty, MessageTooLong. A shared one is kept in the audit.
    """
    with transaction.atomic():
        if CannedReply.objects.filter(owner_id=owner_id).count() >= REPLIES_LIMIT:
            raise CannedRepliesFull(limit=REPLIES_LIMIT)
        made = CannedReply(owner_id=owner_id)
        return _store(made, shortcut=shortcut, text=text, may_share=may_share)


def canned_reply_update(
    *, reply_id: UUID, person_id: UUID | None, shortcut: str, text: str, may_share: bool = False
) -> CannedReply:
    """Change a reply of this person's or of everybody's. Idempotent.

    Raises CannedReplyNotFound and what `canned_reply_create` raises. A shared one is kept in the
    audit.
    """
    with transaction.atomic():
        found = _locked(reply_id, person_id)
        return _store(found, shortcut=shortcut, text=text, may_share=may_share)


def canned_reply_delete(*, reply_id: UUID, person_id: UUID | None, may_share: bool = False) -> None:
    """Delete a reply of this person's or of everybody's.

    Raises CannedReplyNotFound, SharedByAdmins. A shared one is kept in the audit.
    """
    with transaction.atomic():
        found = _locked(reply_id, person_id)
        _may_check(found, may_share=may_share)
        found.delete()
        _record(found, reply_id, Act.CANNED_REPLY_DELETED)


def _locked(reply_id: UUID, person_id: UUID | None) -> CannedReply:
    found = CannedReply.objects.select_for_update().filter(pk=reply_id).first()
    if found is None or found.owner_id not in {None, person_id}:
        raise CannedReplyNotFound()
    return found


def _may_check(reply: CannedReply, *, may_share: bool) -> None:
    if reply.is_shared and not may_share:
        raise SharedByAdmins()


def _store(reply: CannedReply, *, shortcut: str, text: str, may_share: bool) -> CannedReply:
    _may_check(reply, may_share=may_share)
    reply.shortcut, reply.text = _shortcut_clean(shortcut), text_clean(text)
    variables_check(reply.text)
    reply.updated_at = timezone.now()
    try:
        with transaction.atomic():
            reply.save()
    except IntegrityError as error:
        raise ShortcutTaken(shortcut=reply.shortcut) from error
    _record(reply, reply.pk, Act.CANNED_REPLY_SAVED)
    return reply


def _shortcut_clean(shortcut: str) -> str:
    cleaned = shortcut.strip().removeprefix("/").lower()
    if not _SHORTCUT.fullmatch(cleaned):
        raise ShortcutInvalid()
    return cleaned


def _record(reply: CannedReply, reply_id: UUID, act: Act) -> None:
    if reply.is_shared:
        act_record(
            act=act,
            target_kind="canned_reply",
            target_id=reply_id,
            data={"shortcut": reply.shortcut},
        )
