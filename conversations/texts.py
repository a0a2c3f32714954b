"""What may be said: trimmed, without control characters, of bounded length."""

from __future__ import annotations

import re

from conversations.errors import ClientIdInvalid, MessageEmpty, MessageTooLong
from conversations.types import TEXT_LIMIT

# C0 and C1 controls but tab and newline; lone surrogates, which no database can store.
_REMOVED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_CLIENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_PREVIEW = 140


def text_clean(text: str, *, may_be_empty: bool = False) -> str:
    """Return the text as it is stored; raises MessageEmpty or MessageTooLong.

    It `may_be_empty` where something else is sent with it.
    """
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    cleaned = _REMOVED.sub("", unified).strip()
    if not any(character.isprintable() and not character.isspace() for character in cleaned):
        if may_be_empty:
            return ""
        raise MessageEmpty()
    if len(cleaned) > TEXT_LIMIT:
        raise MessageTooLong(length=len(cleaned), limit=TEXT_LIMIT)
    return cleaned


def text_is_storable(text: str) -> bool:
    """Return whether a JSON column can hold the text: no NUL, no lone surrogate."""
    return not any(letter == "\x00" or "\ud800" <= letter <= "\udfff" for letter in text)


def client_id_check(client_id: str) -> str:
    """Return the client id if it has the agreed form; raises ClientIdInvalid."""
    if not _CLIENT_ID.fullmatch(client_id):
        raise ClientIdInvalid()
    return client_id


def preview_of(text: str) -> str:
    """Return the beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _PREVIEW else f"{line[: _PREVIEW - 1]}…"
