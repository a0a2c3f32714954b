"""What a client shows: the widget's `transcript.js`, line by line, and a check after each change.

A message is shown once, whatever is sent twice; `position` never passes a hole; an own message
keeps its client id until the server has accepted it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Item = dict[str, Any]
# How a row is told from others: by the client's name for it or, for others' messages, by its id.
Row = tuple[int, str, str, str]


@dataclass(slots=True)
class Transcript:
    """The conversation as one client knows it."""

    by_seq: dict[int, Item] = field(default_factory=dict)
    position: int = 0
    first: int = 1
    pending: list[Item] = field(default_factory=list)
    shown_twice: int = 0
    repeated: int = 0

    @property
    def has_hole(self) -> bool:
        return max(self.by_seq, default=0) > self.position

    @property
    def items(self) -> list[Item]:
        """Return everything in the order it is shown."""
        return [*(self.by_seq[seq] for seq in sorted(self.by_seq)), *self.pending]

    def start_at(self, seq: int) -> None:
        self.first = seq
        self.position = max(self.position, seq - 1)
        self._advance()

    def forget(self) -> None:
        self.by_seq.clear()
        self.position = 0

    def receive(self, message: Item) -> None:
        """Take a message from the server."""
        own = self._pending_take(message.get("client_id"))
        if message["seq"] in self.by_seq:
            self.repeated += 1
        else:
            self.by_seq[message["seq"]] = {**own, **message}
            self._advance()
        self._check()

    def add(self, client_id: str, author: str, text: str) -> None:
        """Show an own message that the server has not accepted yet."""
        self.pending.append({"client_id": client_id, "author": author, "text": text})
        self._check()

    def accept(self, client_id: str, seq: int) -> None:
        """Show an own message as the server's number `seq`."""
        own = next((item for item in self.pending if item["client_id"] == client_id), None)
        if own is not None:
            self.receive({**own, "seq": seq})

    def rows(self) -> list[Row]:
        """Return what is shown of the server's messages."""
        return [row_of(self.by_seq[seq]) for seq in sorted(self.by_seq)]

    def _pending_take(self, client_id: str | None) -> Item:
        for place, item in enumerate(self.pending):
            if client_id and item["client_id"] == client_id:
                return self.pending.pop(place)
        return {}

    def _advance(self) -> None:
        while self.position + 1 in self.by_seq:
            self.position += 1

    def _check(self) -> None:
        """Count what is shown twice at this moment."""
        items = self.items
        for name in ("client_id", "id"):
            self.shown_twice += _repeats(item.get(name) for item in items)


def row_of(message: Item) -> Row:
    """Return what two tellings of one message have in common."""
    name = message.get("client_id") or message.get("id")
    return int(message["seq"]), str(name), str(message["author"]), str(message["text"])


def _repeats(names: Iterable[Any]) -> int:
    given = [name for name in names if name]
    return len(given) - len(set(given))
