"""The visitors' socket: frames, resume, refusals."""

from __future__ import annotations

import json
import os
import random
import threading
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from conversations import announce, services
from conversations.models import Conversation, Message, WidgetInstallation
from core import tenancy
from core.redis import redis_client
from tests.conversations.lines import Connect, Line
from tests.factories.conversations import answer, attachment_make, say


def stored(world: Any, visitor: Any) -> list[tuple[int, str, str]]:
    with tenancy.tenant_scope(world.tenants[visitor.slug]):
        rows = Message.objects.filter(conversation_id=visitor.conversation_id).order_by("seq")
        return [(row.seq, row.author, row.text) for row in rows]


def shown(frames: Any) -> list[tuple[int, str, str]]:
    return [(frame["seq"], frame["author"], frame["text"]) for frame in frames]


def test_hello_tells_position_state_and_protocol(visitor: Any, chat: Connect) -> None:
    someone = visitor()
    with chat(someone) as line:
        assert line.connection.subprotocol == "frontdesk.v1"
        line.say("hello")
        welcome, status = line.take(), line.take()
    assert welcome | {"epoch": ""} == {
        "type": "welcome",
        "protocol": "frontdesk.v1",
        "conversation": str(someone.conversation_id),
        "epoch": "",
        "seq": 0,
        "first": 1,
        "resumed": False,
    }
    assert status == {
        "type": "status", "conversation": str(someone.conversation_id), "state": "ai"
    }  # fmt: skip


def test_message_is_accepted_broadcast_and_stored(visitor: Any, chat: Connect, world: Any) -> None:
    someone = visitor()
    with chat(someone) as line, chat(someone) as second_tab:
        for one in (line, second_tab):
            one.say("hello")
            one.hear("status")
        line.say("message", client_id="c-1", text="How long?")
        accepted = line.hear("accepted")
        assert (accepted["client_id"], accepted["seq"]) == ("c-1", 1)
        for one in (line, second_tab):
            one.drain()
            (message,) = one.messages()
            assert (message["client_id"], message["text"]) == ("c-1", "How long?")
        assert stored(world, someone) == [(1, "visitor", "How long?")]
        line.say("message", client_id="c-1", text="How long?")
        assert line.hear("accepted")["seq"] == 1
    assert len(stored(world, someone)) == 1


def test_reply_with_citation_and_handover_are_heard(
    visitor: Any, chat: Connect, world: Any, people: Any
) -> None:
    someone = visitor()
    agent = people["acme", "agent"]
    with chat(someone) as line:
        line.say("hello")
        line.hear("status")
        with tenancy.tenant_scope(world.tenants["acme"]):
            say(someone.conversation_id, "How long?")
            answer(someone.conversation_id)
            services.handover_request(
                conversation_id=someone.conversation_id, fence=None, reason="requested"
            )
            services.conversation_claim(conversation_id=someone.conversation_id, person_id=agent.pk)
        reply = line.hear("message", author="ai")
        assert reply["citations"][0]["title"] == "Returns policy"
        queued = line.hear("status", state="queued")
        assert queued["queue"] == {"name": "general", "position": 1}
        assert line.hear("status", state="assigned")["agent"] == {"name": agent.display_name}
        line.drain()
        assert shown(line.messages()) == stored(world, someone)


def test_everything_but_ping_wants_hello_first(visitor: Any, chat: Connect) -> None:
    with chat(visitor()) as line:
        line.say("ping")
        assert line.take() == {"type": "pong"}
        line.say("message", client_id="early", text="Hi")
        refused = line.hear("error")
        assert (refused["code"], refused["client_id"]) == ("hello_required", "early")


def test_ping_is_answered_with_the_position_in_the_database(
    visitor: Any, chat: Connect, world: Any
) -> None:
    someone = visitor()
    with chat(someone) as line:
        line.say("hello")
        epoch = line.hear("welcome")["epoch"]
        line.say("message", client_id="c-1", text="Hi")
        line.hear("accepted")
        line.say("ping")
        pong = line.hear("pong")
        assert (pong["epoch"], pong["seq"]) == (epoch, 1)


BAD_FRAMES = [
    (b"\x00\x01", "frame_binary"),
    ("not json", "frame_not_json"),
    ("[]", "frame_not_json"),
    ('"hello"', "frame_not_json"),
    ("[" * 50_000, "frame_not_json"),
    ("{}", "frame_unknown_type"),
    ('{"type": "destroy"}', "frame_unknown_type"),
    ('{"type": 7}', "frame_unknown_type"),
    ('{"type": "ping", "extra": 1}', "frame_unknown_field"),
    (
        '{"type": "message", "client_id": "a", "text": "b", "files": []}',
        "frame_unknown_field",
    ),
    ('{"type": "message", "text": "no id"}', "frame_invalid"),
    ('{"type": "message", "client_id": "a", "text": 5}', "frame_invalid"),
    ('{"type": "message", "client_id": "a b", "text": "b"}', "frame_invalid"),
    ('{"type": "read", "seq": "1"}', "frame_invalid"),
    ('{"type": "read", "seq": -1}', "frame_invalid"),
    ('{"type": "hello", "resume": {"conversation": "x", "epoch": "e", "seq": 1}}', "frame_invalid"),
    (json.dumps({"type": "message", "client_id": "a", "text": "x" * 100_000}), "frame_too_large"),
    (json.dumps({"type": "message", "client_id": "a", "text": "   "}), "message_empty"),
    (json.dumps({"type": "message", "client_id": "a", "text": "x" * 8_001}), "message_too_long"),
    ('{"type": "message", "client_id": "a", "text": "\\ud800"}', "frame_invalid"),
]


@pytest.mark.parametrize(("data", "code"), BAD_FRAMES)
def test_bad_frame_is_named_and_the_connection_survives(
    visitor: Any, chat: Connect, world: Any, data: Any, code: str
) -> None:
    someone = visitor()
    with chat(someone) as line:
        line.say("hello")
        line.hear("status")
        line.raw(data)
        error = line.hear("error")
        assert (error["code"], error["retryable"]) == (code, False)
        line.say("message", client_id="good", text="Still here")
        assert line.hear("accepted")["seq"] == 1
    assert stored(world, someone) == [(1, "visitor", "Still here")]


def test_the_same_bad_frame_over_and_over_ends_the_connection(visitor: Any, chat: Connect) -> None:
    with chat(visitor()) as line:
        for _ in range(20):
            line.raw("nonsense")
        assert line.closed() == 3501


def test_flood_is_slowed_down_not_stored_partially(visitor: Any, chat: Connect, world: Any) -> None:
    someone = visitor()
    with chat(someone) as line:
        line.say("hello")
        line.hear("status")
        for number in range(120):
            line.say("message", client_id=f"f-{number}", text=f"flood {number}")
        line.drain(1.0)
        limited = [frame for frame in line.heard if frame.get("code") == "rate_limited"]
        accepted = [frame for frame in line.heard if frame["type"] == "accepted"]
        assert limited
        assert limited[0]["retryable"] is True
        assert limited[0]["retry_after"] >= 0
        assert len(limited) + len(accepted) == 120
    assert len(stored(world, someone)) == len(accepted)


def test_message_beyond_what_the_server_reads_closes_the_connection(
    visitor: Any, chat: Connect
) -> None:
    with chat(visitor()) as line:
        line.raw("x" * (256 * 1024 + 1))
        assert line.closed() == 1009


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://globex.localhost:8000",
        "null",
        "file://",
        "chrome-extension://acme.localhost",
        "http://acme.localhost.evil.example",
        "http://evil-acme.localhost",
        "http://acme.localhost@evil.example",
        "http://evil.example#acme.localhost",
        "http://evil.example/acme.localhost",
        "http://xn--acm-red.localhost",
        "http://acme.localhost, http://evil.example",
        "acme.localhost",
    ],
)
def test_foreign_origin_is_refused_in_the_handshake(
    visitor: Any, chat: Connect, origin: str
) -> None:
    with pytest.raises(InvalidStatus) as refused, chat(visitor(), origin=origin):
        pass
    assert refused.value.response.status_code == 403


def test_own_host_and_allowed_origins_may_connect(visitor: Any, chat: Connect, world: Any) -> None:
    someone = visitor()
    with tenancy.tenant_scope(world.tenants["acme"]):
        services.widget_update(
            widget_id=WidgetInstallation.objects.get().pk,
            allowed_origins=["https://Shop.Example/"],
        )
    for origin in (None, "http://acme.localhost:8000", "https://shop.example"):
        with chat(someone, origin=origin) as line:
            line.say("hello")
            line.hear("welcome")


def test_unknown_address_is_refused_in_the_handshake(visitor: Any, realtime: Any) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        realtime.line("acme", "/ws/nowhere/", token=visitor().token),
    ):
        pass
    assert refused.value.response.status_code == 403


def test_client_id_that_cannot_be_sent_back_leaves_the_connection(
    visitor: Any, chat: Connect
) -> None:
    with chat(visitor()) as line:
        line.raw('{"type": "message", "client_id": "\\ud800", "text": "Hi"}')
        assert line.hear("error")["code"] == "frame_invalid"
        line.say("ping")
        assert line.hear("pong")


def test_unknown_host_is_refused_in_the_handshake(visitor: Any, realtime: Any) -> None:
    token = visitor().token
    with (
        pytest.raises(InvalidStatus) as refused,
        realtime.line("nobody", "/ws/chat/", token=token),
    ):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
def test_bad_token_is_told_after_the_handshake(visitor: Any, chat: Connect, token: str) -> None:
    with chat(visitor(), token=token) as line:
        assert line.closed() == 4401


def test_token_of_another_tenant_is_refused(visitor: Any, chat: Connect) -> None:
    with chat(visitor("acme"), token=visitor("globex").token) as line:
        assert line.closed() == 4401


def test_conversation_of_somebody_else_is_not_found(visitor: Any, chat: Connect) -> None:
    someone, neighbour, stranger = visitor(), visitor(), visitor("globex")
    with chat(someone) as line:
        for other in (neighbour, stranger):
            resume = {"conversation": str(other.conversation_id), "epoch": "00", "seq": 0}
            line.say("hello", resume=resume)
            assert line.hear("error")["code"] == "conversation_not_found"


def test_empty_epoch_names_a_conversation_that_is_not_the_latest(
    visitor: Any, chat: Connect, world: Any
) -> None:
    someone, stranger = visitor(), visitor()
    with tenancy.tenant_scope(world.tenants["acme"]):
        say(someone.conversation_id, "the first one")
        mine = Conversation.objects.get(pk=someone.conversation_id)
        Conversation.objects.create(customer_id=mine.customer_id)
    with chat(someone) as line:
        named = {"conversation": str(someone.conversation_id), "epoch": "", "seq": 0}
        line.say("hello", resume=named)
        assert line.hear("welcome")["conversation"] == str(someone.conversation_id)
        line.drain()
        assert [frame["text"] for frame in line.messages()] == ["the first one"]
        line.say("hello", resume={**named, "conversation": str(stranger.conversation_id)})
        assert line.hear("error")["code"] == "conversation_not_found"


def test_resume_sends_exactly_what_is_missing(visitor: Any, chat: Connect, world: Any) -> None:
    someone = visitor()
    with tenancy.tenant_scope(world.tenants["acme"]):
        for number in range(7):
            say(someone.conversation_id, f"text {number}")
    with chat(someone) as line:
        line.say("hello")
        epoch = line.hear("welcome")["epoch"]
        line.drain()
        assert [frame["seq"] for frame in line.messages()] == [1, 2, 3, 4, 5, 6, 7]
    with chat(someone) as line:
        resume = {"conversation": str(someone.conversation_id), "epoch": epoch, "seq": 4}
        line.say("hello", resume=resume)
        welcome = line.hear("welcome")
        assert (welcome["first"], welcome["resumed"], welcome["seq"]) == (5, True, 7)
        line.drain()
        assert [frame["seq"] for frame in line.messages()] == [5, 6, 7]


def test_files_arrive_alike_at_once_and_by_resume(visitor: Any, chat: Connect, world: Any) -> None:
    someone = visitor()
    with tenancy.tenant_scope(world.tenants["acme"]):
        upload = attachment_make(someone.conversation_id)
    with chat(someone) as line:
        line.say("hello")
        line.hear("welcome")
        line.say("message", client_id="f-1", text="", attachments=[str(upload.pk)])
        live = line.hear("message")
        line.say("message", client_id="f-2", text="", attachments=[str(upload.pk)])
        assert line.hear("error")["code"] == "attachment_taken"
    assert live["attachments"][0]["url"] == f"/api/v1/attachments/{upload.pk}"
    with chat(someone) as line:
        line.say("hello")
        assert line.hear("message") == live


@pytest.mark.parametrize(
    ("epoch", "seq", "gap"),
    [("elsewhen", 2, {"from": 1, "to": 4}), (None, 9, {"from": 1, "to": 4})],
)
def test_resume_that_cannot_be_filled_is_a_gap(
    visitor: Any, chat: Connect, world: Any, epoch: str | None, seq: Any, gap: Any
) -> None:
    someone = visitor()
    with tenancy.tenant_scope(world.tenants["acme"]):
        for _ in range(4):
            say(someone.conversation_id)
        known = Conversation.objects.get(pk=someone.conversation_id).epoch
    with chat(someone) as line:
        conversation = str(someone.conversation_id)
        position = {"conversation": conversation, "epoch": epoch or known, "seq": seq}
        line.say("hello", resume=position)
        assert line.hear("welcome")["resumed"] is False
        heard = line.hear("gap")
        assert {"from": heard["from"], "to": heard["to"]} == gap
        assert not line.messages()
        line.say("hello")
        line.hear("welcome")
        line.drain()
        assert [frame["seq"] for frame in line.messages()] == [1, 2, 3, 4]


def test_more_than_300_missing_is_a_gap_and_hello_brings_the_last_300(
    visitor: Any, chat: Connect, world: Any
) -> None:
    someone = visitor()
    with tenancy.tenant_scope(world.tenants["acme"]):
        conversation = Conversation.objects.get(pk=someone.conversation_id)
        rows = [
            Message(conversation=conversation, seq=seq, author="visitor", text=f"text {seq}")
            for seq in range(1, 312)
        ]
        Message.objects.bulk_create(rows)
        Conversation.objects.filter(pk=conversation.pk).update(next_seq=312)
    with chat(someone) as line:
        resume = {"conversation": str(conversation.pk), "epoch": conversation.epoch, "seq": 10}
        line.say("hello", resume=resume)
        heard = line.hear("gap")
        assert (heard["from"], heard["to"]) == (11, 311)
        line.say("hello")
        assert line.hear("welcome")["first"] == 12
        line.drain(1.0)
        assert [frame["seq"] for frame in line.messages()] == list(range(12, 312))


def test_typing_reaches_the_others_and_not_oneself(visitor: Any, chat: Connect) -> None:
    someone = visitor()
    with chat(someone) as line, chat(someone) as second_tab:
        for one in (line, second_tab):
            one.say("hello")
            one.hear("status")
        for _ in range(3):
            line.say("typing")
        assert second_tab.hear("typing")["author"] == "visitor"
        for one in (line, second_tab):
            one.drain()
        heard = [frame for frame in second_tab.heard if frame["type"] == "typing"]
        assert len(heard) == 1
        assert not [frame for frame in line.heard if frame["type"] == "typing"]


def test_delta_is_shown_to_those_who_follow(visitor: Any, chat: Connect, world: Any) -> None:
    someone = visitor()
    run_id = uuid4()
    with chat(someone) as line:
        line.say("hello")
        line.hear("status")
        with tenancy.tenant_scope(world.tenants["acme"]):
            announce.delta_announce(
                conversation_id=someone.conversation_id, run_id=run_id, seq_hint=2, text="Thirty"
            )
        delta = line.hear("delta")
        assert (delta["run"], delta["seq_hint"], delta["text"]) == (str(run_id), 2, "Thirty")


def test_read_position_is_kept(visitor: Any, chat: Connect, world: Any) -> None:
    someone = visitor()
    with tenancy.tenant_scope(world.tenants["acme"]):
        say(someone.conversation_id)
        answer(someone.conversation_id)
    with chat(someone) as line:
        line.say("hello")
        line.hear("status")
        line.say("read", seq=2)
        line.say("ack", seq=2)
        line.say("ping")
        line.hear("pong")
    with tenancy.tenant_scope(world.tenants["acme"]):
        assert Conversation.objects.get(pk=someone.conversation_id).visitor_read_seq == 2


class Wanderer(threading.Thread):
    """A client on a bad line: says, loses the connection, resumes, says again until accepted."""

    def __init__(self, chat: Connect, visitor: Any, count: int, seed: int) -> None:
        super().__init__()
        self.chat, self.visitor, self.count = chat, visitor, count
        self.random = random.Random(seed)
        self.transcript: dict[int, dict[str, Any]] = {}
        self.waiting = [f"{seed}-{number}" for number in range(count)]
        self.epoch = ""
        self.drops = 0

    @property
    def position(self) -> int:
        position = 0
        while position + 1 in self.transcript:
            position += 1
        return position

    def run(self) -> None:
        while self.waiting:
            try:
                with self.chat(self.visitor) as line:
                    self.session(line)
                    line.connection.socket.close()
            except (ConnectionClosed, OSError):
                pass
            self.drops += 1
        with self.chat(self.visitor) as line:
            self.greet(line)
            line.drain(0.5)
            self.learn(line)

    def greet(self, line: Line) -> None:
        conversation = str(self.visitor.conversation_id)
        if not self.epoch:
            line.say("hello")
        else:
            position = {"conversation": conversation, "epoch": self.epoch, "seq": self.position}
            line.say("hello", resume=position)
        self.epoch = line.hear("welcome")["epoch"]

    def session(self, line: Line) -> None:
        self.greet(line)
        for client_id in self.waiting[: self.random.randint(1, 4)]:
            line.say("message", client_id=client_id, text=f"text {client_id}")
        try:
            for _ in range(self.random.randint(0, 8)):
                line.take(self.random.uniform(0, 0.15))
        except TimeoutError:
            pass
        self.learn(line)

    def learn(self, line: Line) -> None:
        for frame in line.heard:
            if frame["type"] == "accepted" and frame["client_id"] in self.waiting:
                self.waiting.remove(frame["client_id"])
            if frame["type"] == "message":
                assert self.transcript.get(frame["seq"], frame) == frame
                self.transcript[frame["seq"]] = frame


def test_ten_wanderers_of_two_tenants_end_with_what_the_database_holds(
    visitor: Any, chat: Connect, world: Any
) -> None:
    wanderers = [
        Wanderer(chat, visitor("acme" if seed % 2 else "globex"), 12, seed) for seed in range(10)
    ]
    for wanderer in wanderers:
        wanderer.start()
    for wanderer in wanderers:
        wanderer.join(60)
    for seed, wanderer in enumerate(wanderers):
        seen = shown(wanderer.transcript[seq] for seq in sorted(wanderer.transcript))
        assert seen == stored(world, wanderer.visitor)
        assert {text for _, _, text in seen} == {f"text {seed}-{number}" for number in range(12)}
        assert len(seen) == 12
        assert wanderer.drops >= 3


def test_hole_is_filled_from_the_own_tenants_database(
    visitor: Any, chat: Connect, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone, other = visitor("acme"), visitor("globex")
    with chat(someone) as line, chat(other) as other_line:
        for one in (line, other_line):
            one.say("hello")
            one.hear("status")
        for who, one in ((someone, line), (other, other_line)):
            with tenancy.tenant_scope(world.tenants[who.slug]):
                with monkeypatch.context() as silent:
                    silent.setattr("conversations.announce.broadcast", lambda *_, **__: None)
                    say(who.conversation_id, f"unheard in {who.slug}")
                say(who.conversation_id, f"heard in {who.slug}")
            assert one.hear("message")["text"] == f"unheard in {who.slug}"
            assert one.hear("message")["text"] == f"heard in {who.slug}"


def test_lost_redis_is_repaired_in_every_tenant(
    visitor: Any, chat: Connect, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitors = [visitor("acme"), visitor("globex")]
    with chat(visitors[0]) as line, chat(visitors[1]) as other_line:
        lines = (line, other_line)
        for one in lines:
            one.say("hello")
            one.hear("status")
        for who in visitors:
            with (
                tenancy.tenant_scope(world.tenants[who.slug]),
                monkeypatch.context() as silent,
            ):
                silent.setattr("conversations.announce.broadcast", lambda *_, **__: None)
                say(who.conversation_id, f"unheard in {who.slug}")
        hub_lines_cut()
        for who, one in zip(visitors, lines, strict=True):
            assert one.hear("message")["text"] == f"unheard in {who.slug}"


def hub_lines_cut() -> None:
    """Cut this process's hub off from Redis, once."""
    client = redis_client()
    for row in client.client_list(_type="pubsub"):
        if row["name"] == f"frontdesk-hub-{os.getpid()}":
            client.client_kill_filter(_id=row["id"])
