"""A visitor's and an agent's client, after the widget's `chat.js` and docs/protocol.md."""

from __future__ import annotations

import random
from collections.abc import Sequence
from uuid import uuid4

from bench.support.transcript import Transcript
from bench.support.visits import Workspace
from bench.support.widget_line import Frames, Line

RESEND_SECONDS = 6.0
ASK_AGAIN_SECONDS = 1.0


class Followed:
    """One conversation at one client: transcript, epoch, and what waits to be accepted."""

    author = "visitor"

    def __init__(self, line: Line, conversation: str) -> None:
        self.line = line
        self.conversation = conversation
        self.transcript = Transcript()
        self.epoch = ""
        self.is_welcome = False

    # --- what differs between the sockets

    def hello(self, resume: Frames | None) -> Frames:
        """Return the frame that asks for the conversation from a position on."""
        return {"type": "hello", **({"resume": resume} if resume else {})}

    def message(self, client_id: str, text: str) -> Frames:
        return {"type": "message", "client_id": client_id, "text": text}

    # --- out

    def ask(self) -> None:
        """Ask for everything after our position, or for all there is if we have none."""
        position = {"epoch": self.epoch, "seq": self.transcript.position}
        self.is_welcome = False
        self.line.counts["asked"] += 1
        self.line.send(self.hello(self._resume(position) if self.epoch else None))

    def _resume(self, position: Frames) -> Frames:
        return {"conversation": self.conversation, **position}

    def say(self, text: str) -> Frames:
        """Show an own message and send everything that waits; returns its frame."""
        client_id = uuid4().hex
        self.transcript.add(client_id, self.author, text)
        self.flush()
        return self.message(client_id, text)

    def flush(self) -> None:
        """Send what is not accepted, in order, now and again until it is."""
        self.line.never(f"resend {self.conversation}")
        if not self.is_welcome:
            return
        for item in self.transcript.pending:
            self.line.send(self.message(item["client_id"], item["text"]))
        if self.transcript.pending:
            self.line.later(f"resend {self.conversation}", RESEND_SECONDS, self._resend)

    def _resend(self) -> None:
        self.line.counts["resent"] += len(self.transcript.pending)
        self.flush()

    # --- in

    def heard(self, frame: Frames) -> None:
        kind = frame["type"]
        if kind in ("welcome", "opened"):
            self._welcome(frame)
        elif kind == "message":
            self.line.counts["messages_heard"] += 1
            self.transcript.receive(frame)
            self._hole_check()
        elif kind == "accepted":
            self.transcript.accept(frame["client_id"], frame["seq"])
            self._hole_check()
        elif kind == "gap":
            self.line.counts["gaps"] += 1
            self.epoch = ""
            self.ask()

    def _welcome(self, frame: Frames) -> None:
        if frame["resumed"]:
            self.line.counts["resumed"] += 1
            self.line.counts["missed"] += frame["seq"] - self.transcript.position
        else:
            self.transcript.forget()
            self.transcript.start_at(frame["first"])
        self.epoch = frame["epoch"]
        self.is_welcome = True
        self.flush()

    def position_check(self, epoch: str, seq: int) -> None:
        """Compare with the database's position, as a `pong` tells it."""
        if epoch != self.epoch:
            self.epoch = ""
            self.ask()
        elif seq > self.transcript.position:
            self._ask_soon()

    def _hole_check(self) -> None:
        if self.transcript.has_hole:
            self.line.counts["holes"] += 1
            self._ask_soon()
        else:
            self.line.never(f"ask {self.conversation}")

    def _ask_soon(self) -> None:
        self.line.later(f"ask {self.conversation}", ASK_AGAIN_SECONDS, self.ask)


class VisitorClient(Line):
    """A tab with the widget open."""

    path = "/ws/chat/"

    def __init__(
        self, workspace: Workspace, token: str, chance: random.Random, conversation: str
    ) -> None:
        super().__init__(workspace, token, chance)
        self.chat = Followed(self, conversation)

    @property
    def followed(self) -> Sequence[Followed]:
        return [self.chat]

    def opened(self) -> None:
        self.chat.ask()

    def lost(self) -> None:
        self.chat.is_welcome = False

    def heard(self, frame: Frames) -> None:
        if frame["type"] == "error":
            self.counts[f"error_{frame['code']}"] += 1
        elif frame["type"] == "pong":
            if "epoch" in frame and self.chat.epoch:
                self.chat.position_check(frame["epoch"], frame["seq"])
        else:
            self.chat.heard(frame)
            self.is_welcome = self.chat.is_welcome

    def outgoing(self) -> Frames:
        self.chat.is_welcome = False  # said while the line breaks: it is sent by halves alone
        return self.chat.say(f"cut in the middle {self.chance.random()}")


class Opened(Followed):
    """A conversation that an agent has open."""

    author = "agent"

    def hello(self, resume: Frames | None) -> Frames:
        opening = {"type": "open", "conversation": self.conversation}
        return {**opening, **({"resume": resume} if resume else {})}

    def message(self, client_id: str, text: str) -> Frames:
        said = super().message(client_id, text)
        return {**said, "conversation": self.conversation}

    def _resume(self, position: Frames) -> Frames:
        return position


class AgentClient(Line):
    """An inbox that follows several conversations."""

    path = "/ws/inbox/"

    def __init__(
        self,
        workspace: Workspace,
        token: str,
        chance: random.Random,
        conversations: Sequence[str],
    ) -> None:
        super().__init__(workspace, token, chance)
        self._opened = {name: Opened(self, name) for name in conversations}

    @property
    def followed(self) -> Sequence[Followed]:
        return list(self._opened.values())

    def opened(self) -> None:
        self.send({"type": "hello"})

    def lost(self) -> None:
        for found in self.followed:
            found.is_welcome = False

    def heard(self, frame: Frames) -> None:
        kind = frame["type"]
        if kind == "welcome":
            self.is_welcome = True
            for found in self.followed:
                found.ask()
        elif kind == "error":
            self.counts[f"error_{frame['code']}"] += 1
        elif kind == "pong":
            for place in frame["positions"]:
                self._opened[place["conversation"]].position_check(place["epoch"], place["seq"])
        elif isinstance(frame.get("conversation"), str) and kind != "inbox":
            self._opened[frame["conversation"]].heard(frame)

    def outgoing(self) -> Frames:
        found = self.chance.choice(self.followed)
        found.is_welcome = False
        return found.say(f"cut in the middle {self.chance.random()}")
