"""Full-history search: who was talked with and what was said, the latest first.

Each conversation is found once, at its latest message with all the words, or at its last message
where its customer's name or address has them. A word matches what begins with it; words joined by
punctuation or in quotes match in that order.

Two ways lead through a long history, and which is good depends on the words. Common ones are on
every page of the latest messages, so those are looked through first, in order (`WINDOWS`). Where
that does not fill a page the words are rare, and the index gives all there are of them.
Counting on the planner for this would not do: it multiplies the words' frequencies, and walks a
whole history for two common words that are never said together.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from conversations.errors import CursorInvalid
from conversations.excerpts import excerpt_of, words_pattern
from conversations.models import Conversation, Message
from conversations.types import ConversationState

WINDOWS: Final = (1_000, 20_000)
NAMESAKES: Final = 500
WORDS_LIMIT: Final = 12
PREFIX_LENGTH: Final = 3
_NEWEST: Final = UUID(int=2**128 - 1)
_QUOTED: Final = re.compile(r'"([^"]*)"|(\S+)')
_WORD: Final = re.compile(r"[^\W_]+")

_ALLOWED: Final = """
    (%(states)s::text[] IS NULL OR conversation.state = ANY(%(states)s))
    AND (%(label)s = '' OR conversation.labels @> ARRAY[%(label)s]::varchar[])
"""
_NAMESAKES: Final = """
SELECT array_agg(id) FROM (
    SELECT id FROM conversations_customer WHERE search @@ to_tsquery('simple', %(words)s)
    ORDER BY id DESC LIMIT %(namesakes)s
) AS customer
"""
_BY_CUSTOMER: Final = f"""
SELECT said.id, conversation.id
FROM conversations_conversation conversation
CROSS JOIN LATERAL (
    SELECT id FROM conversations_message message
    WHERE message.conversation_id = conversation.id AND message.id <= %(top)s
    ORDER BY seq DESC LIMIT 1
) AS said
WHERE conversation.customer_id = ANY(%(customers)s::uuid[]) AND said.id < %(before)s AND {_ALLOWED}
ORDER BY said.id DESC LIMIT %(limit)s
"""  # noqa: S608 - of our own constants
# A conversation is found at its latest match: an earlier one is passed over. The limits of one
# keep the planner from working either side out for the whole history beforehand, the OFFSET from
# looking for a conversation's few messages in the indexes of words and ids, which have thousands.
_PICKED: Final = f"""
CROSS JOIN LATERAL (
    SELECT conversation.id FROM conversations_conversation conversation
    WHERE conversation.id = said.conversation_id AND {_ALLOWED}
      AND NOT conversation.customer_id = ANY(%(customers)s::uuid[])
    LIMIT 1
) AS conversation
LEFT JOIN LATERAL (
    SELECT each.id FROM (
        SELECT id, search FROM conversations_message
        WHERE conversation_id = said.conversation_id OFFSET 0
    ) AS each
    WHERE each.id > said.id AND each.id <= %(top)s
      AND each.search @@ to_tsquery('simple', %(words)s)
    LIMIT 1
) AS later ON true
"""  # noqa: S608 - of our own constants
_RECENT: Final = f"""
SELECT said.id, said.conversation_id
FROM (
    SELECT id, conversation_id, search FROM conversations_message
    WHERE id < %(before)s AND id <= %(top)s ORDER BY id DESC LIMIT %(window)s
) AS said {_PICKED}
WHERE said.search @@ to_tsquery('simple', %(words)s) AND later.id IS NULL
ORDER BY said.id DESC LIMIT %(limit)s
"""  # noqa: S608 - of our own constants
_WINDOW_END: Final = """
SELECT id FROM conversations_message WHERE id < %(before)s AND id <= %(top)s
ORDER BY id DESC OFFSET %(window)s LIMIT 1
"""
_EARLIER: Final = f"""
WITH said AS MATERIALIZED (
    SELECT id, conversation_id FROM conversations_message
    WHERE search @@ to_tsquery('simple', %(words)s) AND id <= %(end)s
)
SELECT said.id, said.conversation_id
FROM (
    SELECT id, conversation_id FROM (
        SELECT DISTINCT ON (conversation_id) id, conversation_id FROM said
        ORDER BY conversation_id, id DESC
    ) AS latest ORDER BY id DESC
) AS said {_PICKED}
WHERE later.id IS NULL
ORDER BY said.id DESC LIMIT %(limit)s
"""  # noqa: S608 - of our own constants

Hit = tuple[UUID, UUID]  # message, conversation


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a search goes on: `top` is the latest message when it began, `before` the last hit.

    What is said meanwhile moves nothing: later pages show the history as it was.
    """

    top: UUID
    before: UUID

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(self.top.bytes + self.before.bytes).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Return the cursor of a link; raises CursorInvalid."""
        try:
            raw = base64.b64decode(text.encode() + b"=", altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise CursorInvalid() from error
        if len(raw) != 32:
            raise CursorInvalid()
        return cls(UUID(bytes=raw[:16]), UUID(bytes=raw[16:]))


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation and the message at which it was found; `marks` are spans of `excerpt`."""

    conversation: Conversation
    message: Message
    excerpt: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class FoundPage:
    results: tuple[Found, ...]
    next: Cursor | None


def conversations_search(
    *,
    query: str,
    states: Iterable[ConversationState] = (),
    label: str = "",
    cursor: Cursor | None = None,
    limit: int = 50,
) -> FoundPage:
    """Return a page of conversations with all the words of a query; none for a query without words.

    `states` and `label` narrow the search. Runs in a transaction of its own or joins the caller's.
    """
    phrases = phrases_of(query)
    if not phrases:
        return FoundPage((), None)
    with transaction.atomic():
        # What is good for one word is not for another: a plan for all of them is none.
        _rows("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)", {})
        hits, top = _hits(phrases, [str(state) for state in states], label, cursor, limit + 1)
    shown = hits[:limit]
    after = Cursor(top, shown[-1][0]) if len(hits) > limit else None
    return FoundPage(tuple(_found(shown, phrases)), after)


def phrases_of(query: str) -> list[list[str]]:
    """Return the words of a query, those together that have to follow each other."""
    plain = unicodedata.normalize("NFC", query.replace("\x00", " "))
    parts = [quoted or bare for quoted, bare in _QUOTED.findall(plain)]
    found = [words for part in parts if (words := _WORD.findall(part))]
    return found[:WORDS_LIMIT]


def _tsquery(phrases: list[list[str]]) -> str:
    return " & ".join(f"({' <-> '.join(map(_term, words))})" for words in phrases)


def _term(word: str) -> str:
    """Return a word of a tsquery; a short one has to match whole, for too much begins with it."""
    return f"'{word}':*" if len(word) >= PREFIX_LENGTH else f"'{word}'"


def _hits(
    phrases: list[list[str]], states: list[str], label: str, cursor: Cursor | None, limit: int
) -> tuple[list[Hit], UUID]:
    top = cursor.top if cursor else _latest()
    asked: dict[str, Any] = {
        "words": _tsquery(phrases),
        "states": states or None,
        "label": label,
        "top": top,
        "before": cursor.before if cursor else _NEWEST,
        "namesakes": NAMESAKES,
        "limit": limit,
    }
    asked["customers"] = _rows(_NAMESAKES, asked)[0][0] or []
    found = _rows(_BY_CUSTOMER, asked) if asked["customers"] else []
    found += _said(asked, limit)
    return sorted(found, reverse=True)[:limit], top


def _latest() -> UUID:
    return Message.objects.order_by("-pk").values_list("pk", flat=True).first() or _NEWEST


def _said(asked: Mapping[str, Any], limit: int) -> list[Hit]:
    """Return hits by what was said: of the latest messages, and if need be of all before them."""
    recent: list[Hit] = []
    for window in WINDOWS:
        recent = _rows(_RECENT, {**asked, "window": window})
        if len(recent) >= limit:
            return recent
    end = _rows(_WINDOW_END, {**asked, "window": WINDOWS[-1]})
    return recent + _earlier({**asked, "end": end[0][0]}) if end else recent


def _earlier(asked: Mapping[str, Any]) -> list[Hit]:
    """Return hits of the index; the planner is kept from reading the whole table instead."""
    _rows("SELECT set_config('enable_seqscan', 'off', true)", {})
    try:
        return _rows(_EARLIER, asked)
    finally:
        _rows("SELECT set_config('enable_seqscan', 'on', true)", {})


def _rows(statement: str, asked: Mapping[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        rows: list[Any] = cursor.fetchall()
    return rows


def _found(hits: Iterable[Hit], phrases: list[list[str]]) -> Iterable[Found]:
    hits = list(hits)
    messages = Message.objects.in_bulk([message for message, _ in hits])
    conversations = Conversation.objects.select_related("customer").in_bulk(
        [conversation for _, conversation in hits]
    )
    pattern = words_pattern({word for words in phrases for word in words})
    for message_id, conversation_id in hits:
        message, conversation = messages.get(message_id), conversations.get(conversation_id)
        if message and conversation:  # else deleted since
            yield Found(conversation, message, *excerpt_of(message.text, pattern))
