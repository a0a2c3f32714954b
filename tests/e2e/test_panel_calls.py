"""The panel's line where no WebSocket opens: calls in its place, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from bench.support.widget_page import Seen, panel_open
from bench.support.widget_states import ANSWERED, QUESTION

Script = Callable[[str], Any]
Visit = Callable[..., tuple[Page, Seen]]
NO_SOCKETS = """
window.WebSocket = class {
  readyState = 0;
  constructor() { setTimeout(() => this.onclose?.({ code: 1006, reason: "" })); }
  close() {}
};
"""


@pytest.fixture
def script(page: Page, checkout: str) -> Script:
    page.goto(f"{checkout}/tests/e2e/blank.html")
    return lambda body: page.evaluate(
        f"""async () => {{
          const {{
            Blocked, FakeServer, PROBE, called, hello, socketBy, until, welcome,
          }} = await import("/tests/e2e/calls_script.js");
          const server = new FakeServer();
          {body}
        }}"""
    )


def test_line_falls_back_after_two_sockets_that_did_not_open(script: Script) -> None:
    got = script(
        """
        const { socket, frames } = socketBy(server);
        await until(() => server.streams.length);
        server.streams[0].say(welcome(0));
        await until(() => frames.length);
        socket.stop();
        return { tried: Blocked.made.length, asked: server.asked.map(({ name }) => name), frames };
        """
    )
    assert (got["tried"], got["asked"]) == (2, ["events"])
    assert got["frames"][0]["type"] == "welcome"


def test_line_goes_back_to_a_socket_once_one_opens(script: Script) -> None:
    got = script(
        """
        PROBE.first = 200;
        const { socket } = socketBy(server);
        await until(() => server.streams.length);
        server.streams[0].say(welcome(0));
        await until(() => Blocked.made.length === 3);
        const stillCalling = socket.isOpen && !server.asked[0].signal.aborted;
        Blocked.isBlocked = false;
        await until(() => Blocked.made.at(-1).sent.length);
        const ended = server.asked[0].signal.aborted;
        const made = Blocked.made.length;
        await new Promise((go) => setTimeout(go, 1_000));
        const after = Blocked.made.length;
        socket.stop();
        return { stillCalling, ended, sent: Blocked.made.at(-1).sent, more: after - made };
        """
    )
    assert got == {"stillCalling": True, "ended": True, "sent": [{"type": "hello"}], "more": 0}


def test_calls_that_fail_give_the_socket_its_turn_again(script: Script) -> None:
    made = script(
        """
        const fails = server.fetch;
        server.fetch = async (...asked) => {
          await fails(...asked);
          throw new TypeError("offline");
        };
        const { socket } = socketBy(server);
        await until(() => server.asked.length === 2);
        socket.stop();
        return Blocked.made.length;
        """
    )
    assert made == 3  # two, the calls, one more, the calls


def test_frames_are_said_in_order_in_calls_with_the_token_in_a_header(script: Script) -> None:
    got = script(
        """
        let number = 0;
        server.answers.frames = ({ frames }) => ({
          frames: frames.map(({ client_id }) => ({ type: "accepted", client_id, seq: ++number })),
        });
        const { line, heard } = await called(server);
        const say = (id) => line.send(JSON.stringify({ type: "message", client_id: id, text: id }));
        say("a");
        await until(() => server.streams.length);
        const early = server.calls("frames").length;
        server.streams[0].say(welcome(0));
        ["b", "c"].forEach(say);
        await until(() => heard.length === 4);
        const said = server.calls("frames").flatMap(({ body }) => JSON.parse(body).frames);
        const secrets = new Set(server.asked.map(({ headers }) => headers.Authorization));
        const queries = JSON.stringify(server.asked.map(({ query }) => query));
        line.close();
        return { early, said: said.map((each) => each.client_id), secrets: [...secrets], queries };
        """
    )
    assert got["early"] == 0
    assert got["said"] == ["a", "b", "c"]
    assert got["secrets"] == ["Bearer vt"]
    assert "vt" not in got["queries"]


def test_stream_cut_into_pieces_is_put_together(script: Script) -> None:
    heard = script(
        """
        const { line, heard } = await called(server);
        await until(() => server.streams.length);
        const [stream] = server.streams;
        const frame = { type: "message", seq: 1, text: "ä\\nb" };
        const whole = `id: e1:1\\ndata: ${JSON.stringify(frame)}\\n\\n`;
        for (const piece of [whole.slice(0, 5), whole.slice(5, 30), whole.slice(30)]) {
          stream.write(piece);
          await new Promise((go) => setTimeout(go, 30));
        }
        await until(() => heard.length);
        line.close();
        return heard;
        """
    )
    assert heard == [{"type": "message", "seq": 1, "text": "ä\nb"}]


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("""stream.write('event: close\\ndata: {"code": 3008}\\n\\n')""", 3008),
        ("stream.end()", 1006),
    ],
)
def test_end_of_the_stream_ends_the_line(script: Script, ending: str, code: int) -> None:
    closed = script(
        f"""
        const {{ closed }} = await called(server);
        await until(() => server.streams.length);
        const [stream] = server.streams;
        stream.say(welcome(0));
        {ending};
        await until(() => closed.length);
        return closed;
        """
    )
    assert closed == [code]


@pytest.mark.parametrize(("status", "code"), [(401, 4401), (406, 4406), (429, 3429), (502, 1006)])
def test_refusal_has_the_sockets_code(script: Script, status: int, code: int) -> None:
    closed = script(
        f"""
        server.fetch = async () => new Response("{{}}", {{ status: {status} }});
        const {{ closed }} = await called(server);
        await until(() => closed.length);
        return closed;
        """
    )
    assert closed == [code]


def test_stream_that_is_held_back_gives_way_to_polls(script: Script) -> None:
    got = script(
        """
        server.holdsStreamsBack = true;
        const { line, heard } = await called(server);
        await until(() => server.polls.length);
        server.polls[0]([welcome(0)], "e1:0:aa");
        await until(() => server.polls.length === 2);
        const { query } = server.calls("poll")[1];
        server.polls[1]([{ type: "message", seq: 1 }], "e1:1:aa");
        await until(() => heard.length === 2);
        hello(line, 1);
        await until(() => server.polls.length === 4);
        const again = server.calls("poll").at(-1).query;
        line.close();
        return { query, again, streams: server.calls("events").length };
        """
    )
    assert got["query"] == {"protocol": "frontdesk.v1", "conversation": "c1", "after": "e1:0:aa"}
    assert got["again"] == {"protocol": "frontdesk.v1", "conversation": "c1", "after": "e1:1"}
    assert got["streams"] == 1


def test_hello_said_again_begins_a_new_stream_there(script: Script) -> None:
    got = script(
        """
        const { line, closed } = await called(server);
        await until(() => server.streams.length);
        server.streams[0].say(welcome(0));
        hello(line, 7);
        await until(() => server.streams.length === 2);
        const [first, second] = server.calls("events");
        const found = { query: second.query, ended: first.signal.aborted, closed: [...closed] };
        line.close();
        return found;
        """
    )
    query = {"protocol": "frontdesk.v1", "conversation": "c1", "after": "e1:7"}
    assert got == {"query": query, "ended": True, "closed": []}


def test_visitor_is_answered_where_no_socket_passes(visit: Visit) -> None:
    page, seen = visit(script=NO_SOCKETS)
    panel = panel_open(page)
    panel.locator("#text").fill(QUESTION)
    panel.locator("#text").press("Enter")
    panel.locator(ANSWERED).first.wait_for()
    calls = {urlsplit(each.url).path for each in seen.requests}
    assert {"/widget/events", "/widget/frames"} <= calls
    assert (seen.sockets, seen.complaints) == ([], [])
