"""A visitor without a WebSocket: the same frames by event stream, long poll and calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conversations import announce
from conversations.models import Conversation, Message, WidgetInstallation
from core import tenancy
from core.realtime import broadcast, connection
from tests.conftest import Plan
from tests.conversations.lines import Connect
from tests.conversations.streams import Calls, Frame
from tests.factories.conversations import say

By = Callable[..., Calls]


@pytest.fixture
def by_calls(realtime: Any) -> Iterator[By]:
    """Return a function that gives a visitor's calls."""
    made: list[Calls] = []

    def come(someone: Any, *, slug: str = "", token: str | None = None) -> Calls:
        given = someone.token if token is None else token
        made.append(Calls(realtime.port, slug or someone.slug, given))
        return made[-1]

    yield come
    for calls in made:
        calls.http.close()


def message(client_id: str, text: str = "How long?") -> Frame:
    return {"type": "message", "client_id": client_id, "text": text}


def texts(frames: list[Frame]) -> list[str]:
    return [frame["text"] for frame in frames if frame["type"] == "message"]


def written(world: Any, someone: Any, count: int, start: int = 0) -> None:
    with tenancy.tenant_scope(world.tenants[someone.slug]):
        for number in range(start, start + count):
            say(someone.conversation_id, f"m{number}")


# --- the event stream


def test_stream_greets_as_a_socket_does(visitor: Any, by_calls: By, chat: Connect) -> None:
    someone = visitor()
    with chat(someone) as line, by_calls(someone).stream() as stream:
        line.say("hello")
        for _ in range(2):
            assert stream.event() == ("", line.take())


def test_what_is_said_beside_a_stream_is_accepted_and_heard_by_all(
    visitor: Any, by_calls: By, chat: Connect, world: Any
) -> None:
    someone = visitor()
    calls = by_calls(someone)
    with chat(someone) as line, calls.stream() as stream:
        line.say("hello")
        line.hear("status")
        stream.hear("status")
        [accepted] = calls.say(someone.conversation_id, message("c-1"))
        assert accepted["type"] == "accepted"
        assert (accepted["client_id"], accepted["seq"]) == ("c-1", 1)
        heard = stream.hear("message")
        assert heard == line.hear("message")
        [again] = calls.say(someone.conversation_id, message("c-1"))
        assert again == accepted
    with tenancy.tenant_scope(world.tenants["acme"]):
        assert Message.objects.filter(conversation_id=someone.conversation_id).count() == 1


@pytest.mark.parametrize("way", ["header", "query"])
def test_stream_goes_on_behind_the_last_event(
    visitor: Any, by_calls: By, world: Any, way: str
) -> None:
    someone = visitor()
    calls, conversation = by_calls(someone), str(someone.conversation_id)
    written(world, someone, 3)
    with calls.stream() as stream:
        stream.hear("message", text="m2")
    assert [each.split(":")[1] for each in stream.ids] == ["1", "2", "3"]
    written(world, someone, 2, start=3)
    last = stream.ids[1]
    asked: Any = {"headers": {"Last-Event-ID": last}} if way == "header" else {"after": last}
    with calls.stream(conversation=conversation, **asked) as stream:
        stream.hear("message", text="m4")
    assert stream.heard[0]["resumed"]
    assert texts(stream.heard) == ["m2", "m3", "m4"]


def test_position_that_cannot_be_resumed_is_a_gap(visitor: Any, by_calls: By, world: Any) -> None:
    someone = visitor()
    written(world, someone, 2)
    conversation = str(someone.conversation_id)
    with by_calls(someone).stream(conversation=conversation, after="other:1") as stream:
        assert stream.hear("gap")["to"] == 2


def test_stream_beats(visitor: Any, by_calls: By, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEARTBEAT_SECONDS", 0.3)
    someone = visitor()
    with by_calls(someone).stream() as stream:
        assert stream.hear("pong")["conversation"] == str(someone.conversation_id)


def test_stream_of_a_slow_reader_ends_with_the_sockets_code(
    visitor: Any, by_calls: By, world: Any
) -> None:
    someone = visitor()
    with by_calls(someone).stream() as stream:
        stream.hear("status")
        with tenancy.tenant_scope(world.tenants["acme"]):
            group = announce.conversation_group(someone.conversation_id)
            # One frame that no queue has room for stands for many that nobody reads.
            frame = {"type": "message", "seq": 0, "text": "x" * 1_100_000}
            broadcast(group, frame, durable=True)
        assert stream.closed() == 3008


def test_stream_takes_a_place_and_gives_it_back(visitor: Any, by_calls: By, plan: Plan) -> None:
    plan(concurrent_sockets_per_visitor=1)
    someone = visitor()
    calls = by_calls(someone)
    with calls.stream() as stream:
        stream.hear("status")
        refused = calls.http.get("events")
        assert (refused.status_code, refused.json()["code"]) == (429, "concurrency_limit")
    until = time.monotonic() + 5
    while calls.http.get("poll").status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.1)


# --- the long poll


def test_poll_answers_at_once_with_what_there_is(visitor: Any, by_calls: By, world: Any) -> None:
    someone = visitor()
    written(world, someone, 2)
    calls = by_calls(someone)
    first = calls.poll()
    assert [frame["type"] for frame in first["frames"]] == ["welcome", "status"] + ["message"] * 2
    asked = {"conversation": str(someone.conversation_id), "after": first["next"]}
    written(world, someone, 1, start=2)
    assert texts(calls.poll(**asked)["frames"]) == ["m2"]


def test_poll_waits_for_the_next_frame(visitor: Any, by_calls: By, world: Any) -> None:
    someone = visitor()
    calls = by_calls(someone)
    asked = {"conversation": str(someone.conversation_id), "after": calls.poll()["next"]}
    quiet = calls.poll(**asked, wait=1)
    assert texts(quiet["frames"]) == []
    later = threading.Timer(0.5, written, (world, someone, 1))
    later.start()
    began = time.monotonic()
    assert texts(calls.poll(**asked | {"after": quiet["next"]})["frames"]) == ["m0"]
    assert time.monotonic() - began < 8
    later.join()


def test_poll_tells_a_state_that_changed_between_two(
    visitor: Any, by_calls: By, world: Any
) -> None:
    someone = visitor()
    calls = by_calls(someone)
    after = calls.poll()["next"]
    with tenancy.tenant_scope(world.tenants["acme"]):
        Conversation.objects.filter(pk=someone.conversation_id).update(state="resolved")
    began = time.monotonic()
    found = calls.poll(conversation=str(someone.conversation_id), after=after)
    assert time.monotonic() - began < 8
    assert found["frames"][1]["state"] == "resolved"


def test_poll_after_a_gap_starts_over(visitor: Any, by_calls: By, world: Any) -> None:
    someone = visitor()
    written(world, someone, 1)
    found = by_calls(someone).poll(conversation=str(someone.conversation_id), after="other:9")
    assert found["frames"][-1]["type"] == "gap"
    assert found["next"] == ""


def test_polls_and_calls_end_with_what_the_database_holds(
    visitor: Any, by_calls: By, world: Any
) -> None:
    someone, other = visitor(), visitor("globex")
    written(world, other, 3)
    calls, seen, after = by_calls(someone), [], ""
    for number in range(6):
        calls.say(someone.conversation_id, message(f"c-{number}", f"t{number}"))
        written(world, someone, 1, start=number)
        found = calls.poll(conversation=str(someone.conversation_id), after=after)
        after = found["next"]
        messages = [frame for frame in found["frames"] if frame["type"] == "message"]
        seen += [(frame["seq"], frame["text"]) for frame in messages]
        time.sleep(0.2)
    with tenancy.tenant_scope(world.tenants["acme"]):
        rows = Message.objects.filter(conversation_id=someone.conversation_id).order_by("seq")
        assert seen == list(rows.values_list("seq", "text"))


# --- what is said beside them


def test_frames_are_handled_in_order_each_answered_as_on_a_socket(
    visitor: Any, by_calls: By
) -> None:
    someone = visitor()
    answers = by_calls(someone).say(
        someone.conversation_id,
        message("c-1"),
        message("c-2", " "),
        {"type": "read", "seq": 1},
        {"type": "typing", "loud": True},
        {"type": "hello"},
        {"type": "ping"},
    )
    told = [frame.get("code") or frame["type"] for frame in answers]
    assert told == [
        "accepted", "message_empty", "frame_unknown_field", "frame_unknown_type", "pong"
    ]  # fmt: skip


PING = {"type": "ping"}


@pytest.mark.parametrize(
    "change",
    [
        {"conversation": "none"},
        {"conversation": None},
        {"frames": []},
        {"frames": [PING] * 21},
        {"frames": ["ping"]},
        {"also": 1},
    ],
)
def test_body_that_is_no_frames_is_refused(visitor: Any, by_calls: By, change: Frame) -> None:
    someone = visitor()
    body = {"conversation": str(someone.conversation_id), "frames": [PING]}
    answer = by_calls(someone).post(body | change)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


@pytest.mark.parametrize("content", [b"", b"[", b"\xff", b'{"frames":' + b"[" * 5_000])
def test_body_that_is_no_json_is_refused(visitor: Any, by_calls: By, content: bytes) -> None:
    answer = by_calls(visitor()).http.post("frames", content=content)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


def test_body_beyond_the_sockets_limit_is_refused(visitor: Any, by_calls: By) -> None:
    someone = visitor()
    large = {"conversation": str(someone.conversation_id), "frames": [message("c", "x" * 300_000)]}
    answer = by_calls(someone).post(large)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_flood_of_frames_is_refused_whole(visitor: Any, by_calls: By, world: Any) -> None:
    someone = visitor()
    calls = by_calls(someone)
    pings = {"conversation": str(someone.conversation_id), "frames": [PING] * 20}
    codes = [calls.post(pings).status_code for _ in range(12)]
    assert codes[:3] == [200] * 3
    assert 429 in codes


# --- who may, from where, and how


@pytest.mark.parametrize("way", ["events", "poll", "frames"])
def test_token_of_nobody_or_of_another_tenant_is_refused(
    visitor: Any, by_calls: By, way: str
) -> None:
    someone, other = visitor(), visitor("globex")
    for token in ("", "none", other.token):
        calls = by_calls(someone, token=token)
        body = {"conversation": str(someone.conversation_id), "frames": [message("c-1")]}
        answer = calls.post(body) if way == "frames" else calls.http.get(way)
        assert (answer.status_code, answer.json()["code"]) == (401, "visitor_token_invalid")


def test_token_in_the_address_is_no_token(visitor: Any, by_calls: By) -> None:
    someone = visitor()
    answer = by_calls(someone, token="").http.get("events", params={"token": someone.token})
    assert (answer.status_code, answer.json()["code"]) == (400, "frame_unknown_field")


def test_conversation_of_somebody_else_is_not_found(visitor: Any, by_calls: By, world: Any) -> None:
    someone, stranger = visitor(), visitor()
    written(world, stranger, 1)
    calls, theirs = by_calls(someone), str(stranger.conversation_id)
    with calls.stream(conversation=theirs) as stream:
        assert stream.event()[1]["code"] == "conversation_not_found"
    [error] = calls.poll(conversation=theirs)["frames"]
    assert error["code"] == "conversation_not_found"
    answer = calls.post({"conversation": theirs, "frames": [message("c-1")]})
    assert (answer.status_code, answer.json()["code"]) == (404, "conversation_not_found")


@pytest.mark.parametrize("way", ["events", "poll", "frames"])
def test_pages_of_allowed_origins_may_call_and_others_may_not(
    visitor: Any, by_calls: By, world: Any, way: str
) -> None:
    someone = visitor()
    with tenancy.tenant_scope(world.tenants["acme"]):
        WidgetInstallation.objects.update(allowed_origins=["https://shop.example"])
    calls = by_calls(someone)
    for origin in ("https://shop.example", "http://acme.localhost:8000"):
        answer = calls.http.options(way, headers={"Origin": origin})
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == origin
        assert "authorization" in answer.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in answer.headers
    for origin in ("https://evil.example", "http://globex.localhost:8000", "null"):
        for method in ("OPTIONS", "GET", "POST"):
            answer = calls.http.request(method, way, headers={"Origin": origin})
            assert (answer.status_code, answer.json()["code"]) == (403, "origin_refused")
            assert "access-control-allow-origin" not in answer.headers


def test_refusal_can_be_read_by_the_page(visitor: Any, by_calls: By) -> None:
    own = {"Origin": "http://acme.localhost:8000"}
    answer = by_calls(visitor(), token="none").http.get("poll", headers=own)
    assert answer.headers["access-control-allow-origin"] == own["Origin"]


@pytest.mark.parametrize(
    ("way", "query", "field"),
    [
        ("events", {"after": "abc"}, "after"),
        ("events", {"after": "e:1"}, "conversation"),
        ("poll", {"after": "e:-1"}, "after"),
        ("poll", {"wait": "long"}, "wait"),
        ("poll", {"since": "1"}, "since"),
        ("events", {"wait": "1"}, "wait"),
        ("poll", [("wait", "1"), ("wait", "2")], "query"),
    ],
)
def test_parameter_that_cannot_be_read_is_named(
    visitor: Any, by_calls: By, way: str, query: Any, field: str
) -> None:
    answer = by_calls(visitor()).http.get(way, params=query)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_other_methods_and_unknown_hosts_are_refused(visitor: Any, by_calls: By) -> None:
    someone = visitor()
    answer = by_calls(someone).http.post("events")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert by_calls(someone, slug="nobody").http.get("poll").status_code == 404


def test_so_many_streams_and_polls_of_a_visitor_are_taken(visitor: Any, by_calls: By) -> None:
    calls = by_calls(visitor())
    codes = [calls.http.get("poll", params={"wait": 0}).status_code for _ in range(40)]
    assert codes[0] == 200
    assert 429 in codes
