"""A long history of one workspace, made up but distributed as people talk.

Words follow Zipf's law over 40,000 of them, messages have three to sixty, conversations two to
fourteen messages; every fiftieth message names an order number.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate, product
from typing import Any, Final
from uuid import UUID

from psycopg import Cursor

SEED: Final = 11
VOCABULARY: Final = 40_000
SPACING: Final = timedelta(seconds=20)
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
AUTHORS: Final = ("visitor", "ai", "visitor", "agent")
STATES: Final = ("resolved", "resolved", "resolved", "resolved", "ai")
LABELS: Final = (("refund",), ("damaged", "urgent"), (), (), (), (), (), ())
_ONSETS: Final = [
    "b",
    "c",
    "d",
    "f",
    "g",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "w",
    "z",
    "br",
    "ch",
    "cl",
    "dr",
    "fl",
    "gr",
    "pl",
    "pr",
    "sh",
    "st",
    "th",
    "tr",
]
_RHYMES: Final = [
    "a",
    "e",
    "i",
    "o",
    "u",
    "ai",
    "an",
    "ar",
    "el",
    "en",
    "er",
    "in",
    "is",
    "on",
    "or",
    "ou",
    "un",
]

Row = tuple[Any, ...]


def words_made() -> list[str]:
    """Return the vocabulary, the most common first; common words are short."""
    syllables = ["".join(pair) for pair in product(_ONSETS, _RHYMES)]
    pairs = ["".join(pair) for pair in product(syllables, syllables)]
    chance = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    chance.shuffle(pairs)
    return [*syllables, *pairs][:VOCABULARY]


def message_id(number: int) -> UUID:
    """Return the id of the number-th message: UUIDs of version 7, one every twenty seconds."""
    milliseconds = int((START + number * SPACING).timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62 | number)


@dataclass(slots=True)
class History:
    """Makes the rows of so many messages; `said` keeps some texts to ask for."""

    size: int
    said: list[str] = field(default_factory=list)
    people: list[tuple[str, str]] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=words_made)

    def load(self, cursor: Cursor[Any]) -> int:
        """Copy everything into the tables of the current tenant; returns the conversations."""
        chance = random.Random(SEED)  # noqa: S311 - as above
        talks = list(_talks(self.size, chance))
        _copy(cursor, "customer (id, name, email, created_at, last_seen_at)", self._people(talks))
        _copy(cursor, f"conversation ({_CONVERSATION})", self._conversations(talks, chance))
        _copy(cursor, f"message ({_MESSAGE})", self._messages(talks, chance))
        return len(talks)

    def _people(self, talks: Sequence[Talk]) -> Iterator[Row]:
        for number, talk in enumerate(talks):
            given, family = self.words[400 + number % 900].title(), self.words[2000 + number % 7919]
            person = (f"{given} {family.title()}", f"{given}.{family}{number}@example.com".lower())
            self.people.append(person)
            at = START + talk[0] * SPACING
            yield (_id(1, number), *person, at, at)

    def _conversations(self, talks: Sequence[Talk], chance: random.Random) -> Iterator[Row]:
        for number, numbers in enumerate(talks):
            first, last = START + numbers[0] * SPACING, START + numbers[-1] * SPACING
            size = len(numbers)
            state, labels = chance.choice(STATES), list(chance.choice(LABELS))
            yield (
                *(_id(2, number), _id(1, number), "web", state, 1, f"{number:08x}", size + 1, size),
                *(size, size, size, "", "", "", "", "", "{}", labels, first, last, last),
            )

    def _messages(self, talks: Sequence[Talk], chance: random.Random) -> Iterator[Row]:
        cumulative = list(accumulate(1 / rank for rank in range(1, len(self.words) + 1)))
        place = {n: (talk, seq) for talk, ns in enumerate(talks) for seq, n in enumerate(ns, 1)}
        for number in range(self.size):
            talk, seq = place[number]
            length = min(60, 3 + int(chance.lognormvariate(2.3, 0.7)))
            text = " ".join(chance.choices(self.words, cum_weights=cumulative, k=length))
            if number % 50 == 0:
                self.orders.append(f"ORD-{number:07d}")
                text = f"{text} {self.orders[-1]}"
            if number % 997 == 0:
                self.said.append(text)
            at = START + number * SPACING
            author = AUTHORS[seq % len(AUTHORS)]
            yield (message_id(number), _id(2, talk), seq, author, "", text, "[]", False, "", "", at)


_CONVERSATION: Final = (
    "id, customer_id, channel, state, fence, epoch, next_seq, last_visitor_seq, answered_seq,"
    " visitor_read_seq, agent_read_seq, owner_name, queue, reason, preview, preview_author,"
    " context, labels, created_at, updated_at, last_message_at"
)
_MESSAGE: Final = (
    "id, conversation_id, seq, author, kind, text, citations, is_abstained, run_part, name,"
    " created_at"
)
Talk = list[int]  # the numbers of its messages


def _talks(size: int, chance: random.Random) -> Iterator[Talk]:
    """Deal so many messages out to conversations, forty of which go on at any time."""
    open_talks = [([], chance.randint(2, 14)) for _ in range(40)]  # type: list[tuple[Talk, int]]
    for number in range(size):
        at = chance.randrange(len(open_talks))
        talk, wanted = open_talks[at]
        talk.append(number)
        if len(talk) == wanted:
            yield talk
            open_talks[at] = ([], chance.randint(2, 14))
    yield from (talk for talk, _ in open_talks if talk)


def _id(kind: int, number: int) -> UUID:
    return UUID(int=kind << 96 | 0x7 << 76 | 0b10 << 62 | number)


def _copy(cursor: Cursor[Any], target: str, rows: Iterator[Row]) -> None:
    with cursor.copy(f"COPY conversations_{target} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
