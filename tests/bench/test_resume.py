"""The resume bench judges rightly: its client shows things once, and what differs is found."""

from __future__ import annotations

from typing import Any

from bench.resume import is_different
from bench.support.transcript import Transcript, row_of
from bench.support.visits import Workspace
from bench.support.widget_clients import Followed
from bench.support.widget_line import Frames, Line


class Paper(Line):
    """A line that notes what is sent."""

    def __init__(self) -> None:
        super().__init__(Workspace("acme", 0, 0, "", "", {}), "", _no_chance())
        self.sent: list[Frames] = []

    def send(self, frame: Frames) -> None:
        self.sent.append(frame)

    def later(self, name: str, seconds: float, call: Any) -> None:
        """Forget it: no time passes on paper."""


def _no_chance() -> Any:
    return None


def message(seq: int, **fields: Any) -> Frames:
    return {"type": "message", "seq": seq, "id": f"m{seq}", "author": "ai", "text": "x", **fields}


def welcomed(first: int = 1, seq: int = 0, *, resumed: bool = False) -> Frames:
    return {"type": "welcome", "epoch": "e", "first": first, "seq": seq, "resumed": resumed}


def followed() -> tuple[Followed, Paper]:
    line = Paper()
    return Followed(line, "c"), line


def stored(*messages: Frames) -> dict[str, Any]:
    return {"c": [row_of(found) for found in messages]}


def test_message_is_shown_once_however_often_it_is_told() -> None:
    transcript = Transcript()
    transcript.add("mine", "visitor", "hi")
    transcript.accept("mine", 1)
    transcript.receive(message(1, client_id="mine", author="visitor", text="hi"))
    transcript.receive(message(2))
    transcript.receive(message(2))
    assert [item["seq"] for item in transcript.items] == [1, 2]
    assert (transcript.shown_twice, transcript.repeated, transcript.pending) == (0, 2, [])


def test_two_seqs_of_one_message_are_shown_twice() -> None:
    transcript = Transcript()
    transcript.receive(message(1))
    transcript.receive(message(2, id="m1"))
    assert transcript.shown_twice == 1


def test_position_does_not_pass_a_hole() -> None:
    transcript = Transcript()
    transcript.receive(message(1))
    transcript.receive(message(3))
    assert (transcript.position, transcript.has_hole) == (1, True)


def test_unaccepted_message_is_sent_again_under_its_name_after_the_next_welcome() -> None:
    chat, line = followed()
    said = chat.say("hi")
    assert line.sent == []
    chat.heard(welcomed())
    chat.is_welcome = False
    chat.heard(welcomed(resumed=True))
    assert line.sent == [said, said]


def test_client_resumes_from_its_position_and_starts_over_after_a_gap() -> None:
    chat, line = followed()
    chat.ask()
    chat.heard(welcomed())
    chat.heard(message(1))
    chat.ask()
    chat.heard(welcomed(first=401, seq=400))
    chat.heard({"type": "gap", "from": 2, "to": 400})
    chat.heard(welcomed(first=101, seq=400))
    assert line.sent == [
        {"type": "hello"},
        {"type": "hello", "resume": {"conversation": "c", "epoch": "e", "seq": 1}},
        {"type": "hello"},
    ]
    assert (chat.transcript.position, chat.transcript.items) == (100, [])


def test_difference_is_a_row_too_few_too_many_or_told_otherwise() -> None:
    chat, _ = followed()
    chat.heard(welcomed())
    chat.heard(message(1))
    assert not is_different(chat, stored(message(1)))
    assert is_different(chat, stored(message(1), message(2)))
    assert is_different(chat, stored())
    assert is_different(chat, stored(message(1, text="y")))
    assert is_different(chat, stored(message(1, id="m2")))
    chat.say("never accepted")
    assert is_different(chat, stored(message(1)))


def test_what_was_said_before_the_first_is_not_missed() -> None:
    chat, _ = followed()
    chat.heard(welcomed(first=2, seq=2))
    chat.heard(message(2))
    assert not is_different(chat, stored(message(1), message(2)))
