"""The panel's socket client against a scripted server: order, repetition, resume, holes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

Script = Callable[[str], Any]


@pytest.fixture
def script(page: Page, checkout: str) -> Script:
    page.goto(f"{checkout}/tests/e2e/blank.html")
    return lambda body: page.evaluate(
        f"""async () => {{
          const {{
            FakeSocket, accepted, begin, delta, dialled, failure,
            hellos, message, order, said, until, welcome,
          }} = await import("/tests/e2e/chat_script.js");
          {body}
        }}"""
    )


def test_first_hello_knows_nothing_and_the_token_is_a_subprotocol(script: Script) -> None:
    got = script(
        """
        const { socket } = await begin();
        return { sent: socket.sent, protocols: socket.protocols };
        """
    )
    assert got == {"sent": [{"type": "hello"}], "protocols": ["frontdesk.v1", "token.vt"]}


def test_messages_typed_before_the_welcome_go_out_after_it_in_order(script: Script) -> None:
    sent = script(
        """
        const { chat, socket } = await begin();
        chat.send("one");
        chat.send("two");
        const early = said(socket).length;
        socket.say(welcome(0));
        return { early, texts: said(socket).map((frame) => frame.text) };
        """
    )
    assert sent == {"early": 0, "texts": ["one", "two"]}


def test_message_lost_with_the_line_is_sent_again_under_its_id_and_shown_once(
    script: Script,
) -> None:
    got = script(
        """
        const { chat, socket } = await begin();
        socket.say(welcome(0));
        chat.send("hello");
        const id = said(socket)[0].client_id;
        socket.close(1006);
        const next = await dialled(2);
        next.say(welcome(1, { resumed: true }));
        const again = said(next)[0].client_id;
        next.say(message(1, { author: "visitor", client_id: again }), accepted(again, 1));
        return {
          same: id === again,
          resume: hellos(next)[0].resume,
          order: order(chat),
          left: chat.transcript.pending.length,
        };
        """
    )
    assert got == {
        "same": True,
        "resume": {"conversation": "c1", "epoch": "e1", "seq": 0},
        "order": [1],
        "left": 0,
    }


def test_unaccepted_message_outlives_a_reload(script: Script) -> None:
    before, after = script(
        """
        const { chat, socket } = await begin();
        socket.say(welcome(0));
        chat.send("keep me");
        chat.stop();
        const { socket: next } = await begin();
        next.say(welcome(0));
        return [said(socket)[0], said(next)[0]];
        """
    )
    assert before == after


def test_hole_makes_the_client_ask_from_before_it(script: Script) -> None:
    got = script(
        """
        const { chat, socket } = await begin();
        socket.say(welcome(1), message(1), message(4));
        await until(() => hellos(socket).length === 2);
        const asked = hellos(socket)[1].resume;
        socket.say(welcome(4, { resumed: true }), message(2), message(3), message(4));
        return { asked, order: order(chat), position: chat.transcript.position };
        """
    )
    assert got["asked"] == {"conversation": "c1", "epoch": "e1", "seq": 1}
    assert got["order"] == [1, 2, 3, 4]
    assert got["position"] == 4


def test_heartbeat_ahead_of_us_makes_the_client_ask(script: Script) -> None:
    asked = script(
        """
        const { socket } = await begin();
        socket.say(welcome(1), message(1), { type: "pong", epoch: "e1", seq: 3 });
        await until(() => hellos(socket).length === 2);
        return hellos(socket)[1].resume.seq;
        """
    )
    assert asked == 1


def test_gap_makes_the_client_forget_and_start_over(script: Script) -> None:
    got = script(
        """
        const { chat, socket } = await begin();
        socket.say(welcome(2), message(1), message(2), { type: "gap", from: 3, to: 900 });
        const hello = hellos(socket)[1];
        socket.say(welcome(902, { epoch: "e2", first: 901 }), message(901), message(902));
        return { hello, order: order(chat), hole: chat.transcript.hole };
        """
    )
    assert got == {"hello": {"type": "hello"}, "order": [901, 902], "hole": None}


def test_refused_message_fails_visibly_and_a_passing_fault_does_not(script: Script) -> None:
    states = script(
        """
        const { chat, socket } = await begin();
        socket.say(welcome(0));
        chat.send("refused");
        chat.send("unlucky");
        const [refused, unlucky] = said(socket).map((frame) => frame.client_id);
        socket.say(failure("message_too_long", refused, false));
        socket.say(failure("rate_limited", unlucky, true));
        return chat.transcript.items.map(({ state, reason }) => [state, reason ?? ""]);
        """
    )
    assert states == [["failed", "message_too_long"], ["sending", ""]]


def test_expired_token_is_reported_and_not_dialled_again(script: Script) -> None:
    got = script(
        """
        const { chat, socket } = await begin();
        const heard = [];
        chat.addEventListener("expired", () => heard.push("expired"));
        chat.addEventListener("line", (event) => heard.push(event.detail));
        socket.close(4401);
        await new Promise((go) => setTimeout(go, 900));
        return { heard, dialled: FakeSocket.made.length };
        """
    )
    assert got == {"heard": ["refused", "expired"], "dialled": 1}


def test_reply_being_written_is_replaced_by_the_message(script: Script) -> None:
    heard = script(
        """
        const { chat, socket } = await begin();
        const heard = [];
        socket.say(welcome(0));
        chat.addEventListener("delta", (event) => heard.push(event.detail));
        socket.say(delta("You have "), delta("30 days."), message(1, { run: "r1" }));
        return heard;
        """
    )
    assert heard == ["You have ", "You have 30 days.", None]
