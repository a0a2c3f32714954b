"""Which version of the protocol is spoken: offered, agreed on, or refused with what there is."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.types import PROTOCOL
from tests.conversations.lines import Connect
from tests.conversations.streams import Calls

NEWER = "frontdesk.v9"


def test_version_that_both_speak_is_chosen(visitor: Any, chat: Connect) -> None:
    with chat(visitor(), versions=[NEWER, PROTOCOL]) as line:
        assert line.connection.subprotocol == PROTOCOL
        line.say("hello")
        assert line.hear("welcome")["protocol"] == PROTOCOL


def test_unknown_version_is_refused_with_those_that_are_spoken(visitor: Any, chat: Connect) -> None:
    with chat(visitor(), versions=[NEWER]) as line:
        error = line.take()
        assert (error["type"], error["code"]) == ("error", "protocol_unsupported")
        assert (error["versions"], error["retryable"]) == ([PROTOCOL], False)
        assert line.closed() == 4406


def test_unknown_version_is_refused_to_agents_alike(inbox: Connect) -> None:
    with inbox(versions=[NEWER]) as line:
        assert line.take()["code"] == "protocol_unsupported"
        assert line.closed() == 4406


def test_who_names_no_version_gets_the_current_one(visitor: Any, chat: Connect) -> None:
    with chat(visitor(), versions=[]) as line:
        line.say("hello")
        assert line.hear("welcome")["protocol"] == PROTOCOL


@pytest.mark.parametrize("way", ["events", "poll", "frames"])
def test_unknown_version_is_refused_over_http(visitor: Any, realtime: Any, way: str) -> None:
    someone = visitor()
    calls = Calls(realtime.port, someone.slug, someone.token)
    method = "POST" if way == "frames" else "GET"
    answer = calls.http.request(method, way, params={"protocol": NEWER})
    assert (answer.status_code, answer.json()["code"]) == (406, "protocol_unsupported")
    assert answer.json()["versions"] == [PROTOCOL]


def test_known_version_is_served_over_http(visitor: Any, realtime: Any) -> None:
    someone = visitor()
    calls = Calls(realtime.port, someone.slug, someone.token)
    with calls.stream(protocol=PROTOCOL) as stream:
        assert stream.hear("welcome")["protocol"] == PROTOCOL
    assert calls.poll(protocol=PROTOCOL)["frames"]
