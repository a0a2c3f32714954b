"""A thousand disconnects under traffic: does every client end up showing what the database has?

A stack of its own. Visitors and agents write over real WebSockets with clients that do what the
widget and docs/protocol.md do (`bench/support/widget_clients.py`); some visitors have a second tab,
some conversations are the AI's. Lines are cut at random: with a goodbye, silently, by a reset, in
the middle of a frame to either side, by a client that stops reading. The realtime process is killed
(-9) four times and Redis once. One client sleeps while more is said than can be resumed, some begin
only at the end. There is no other transport than the socket yet, so nothing else is measured.

When all is said, each client's transcript has to be the database's rows: seq, id, author, text and
order; and at no moment may anything be shown twice. The last line is one JSON object; exits 0 only
if it was whole and every target holds.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from bench.support.burst_counts import calm_await
from bench.support.stack import RunningStack, stack_up
from bench.support.transcript import Row, row_of
from bench.support.visits import Workspace
from bench.support.widget_clients import AgentClient, Followed, VisitorClient
from bench.support.widget_line import CUTS

SEED: Final = 7
SLUG: Final = "north"
DISCONNECTS: Final = 1_000
WITH_AGENTS, WITH_AI, SECOND_TABS, LATE = 30, 10, 10, 5
AGENTS: Final = 2
KILLS: Final = {150: "realtime", 350: "realtime", 500: "redis", 650: "realtime", 850: "realtime"}
CUT_EVERY_SECONDS: Final = 0.07
VISITOR_PAUSE, TO_AI_PAUSE, AGENT_PAUSE = (0.5, 2.5), (3.0, 8.0), (0.1, 0.4)
# Nobody goes on writing for long while nothing of theirs arrives; a script that does is an abuse.
UNACCEPTED: Final = 8
SLEPT_THROUGH: Final = 350  # more than the 300 that a resume brings
CONVERGE_SECONDS: Final = 120.0
PREPARE: Final = """
import json, sys
from conversations.services import widget_ensure
from core import directory, tenancy
from tenants.keys import api_key_create
from tenants.services import member_add, person_create, tenant_create, tenant_limits_set
from tenants.types import Role
slug, agents = json.loads(sys.stdin.read())
with tenancy.platform_scope():
    made = tenant_create(name=slug.title(), slug=slug)
    tenant_limits_set(tenant_id=made.pk, limits={"rate_percent": 100_000})
people = []
with tenancy.public_scope():
    for email, password in agents:
        person = person_create(email=email, password=password, full_name=email, is_verified=True)
        people.append(person)
with tenancy.tenant_scope(directory.tenant_by_id(made.pk)):
    for person in people:
        member_add(person=person, role=Role.AGENT)
    key = api_key_create(name="resume", scopes=["conversations:read"]).secret
    print(json.dumps([widget_ensure().key, key]))
"""


@dataclass
class Scene:
    """Everybody there is, and how many lines were cut."""

    stack: RunningStack
    workspace: Workspace
    chance: random.Random
    visitors: list[VisitorClient] = field(default_factory=list)
    with_ai: list[VisitorClient] = field(default_factory=list)
    tabs: list[VisitorClient] = field(default_factory=list)
    agents: list[AgentClient] = field(default_factory=list)
    windows: list[AgentClient] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    done: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    is_over: bool = False

    @property
    def lines(self) -> list[VisitorClient | AgentClient]:
        return [*self.visitors, *self.with_ai, *self.tabs, *self.agents, *self.windows]

    @property
    def followed(self) -> list[Followed]:
        return [found for line in self.lines for found in line.followed]

    def start(self, line: VisitorClient | AgentClient) -> None:
        self.tasks.append(asyncio.create_task(line.run()))

    def failed_check(self) -> None:
        """Raise what a line ended with: none ends by itself."""
        for task in self.tasks:
            if task.done():
                task.result()


async def scene_set(stack: RunningStack) -> Scene:
    """Let everybody in: each agent has conversations and two windows that follow them."""
    agents = [(f"agent{number}@north.example", uuid4().hex) for number in range(AGENTS)]
    widget_key, api_key = stack.shell(PREPARE, [SLUG, agents])
    web, realtime = stack.ports["WEB_PORT"], stack.ports["REALTIME_PORT"]
    workspace = Workspace(SLUG, web, realtime, widget_key, api_key, {})
    scene = Scene(stack, workspace, random.Random(SEED))  # noqa: S311 - to be repeated
    scene.visitors = [_visitor(scene) for _ in range(WITH_AGENTS)]
    scene.with_ai = [_visitor(scene) for _ in range(WITH_AI)]
    scene.tabs = [_tab(scene, of) for of in [*scene.visitors, *scene.with_ai][::4][:SECOND_TABS]]
    for place, (email, password) in enumerate(agents):
        credentials = {"email": email, "password": password}
        token = workspace.ask("POST", "/api/v1/auth/token", credentials)["access_token"]
        theirs = [line.chat.conversation for line in scene.visitors[place::AGENTS]]
        for conversation in theirs:
            path = f"/api/v1/conversations/{conversation}/claim"
            workspace.ask("POST", path, {}, bearer=token)
        scene.tokens.append(token)
        scene.agents.append(AgentClient(workspace, token, scene.chance, theirs))
        scene.windows.append(AgentClient(workspace, token, scene.chance, theirs))
    for line in scene.lines:
        scene.start(line)
    return scene


def _visitor(scene: Scene) -> VisitorClient:
    session = scene.workspace.session()
    token, conversation = session["visitor_token"], session["conversation_id"]
    return VisitorClient(scene.workspace, token, scene.chance, conversation)


def _tab(scene: Scene, of: VisitorClient) -> VisitorClient:
    """Return another tab of a visitor's."""
    return VisitorClient(scene.workspace, of.token, scene.chance, of.chat.conversation)


async def writes(scene: Scene, followed: Sequence[Followed], pause: tuple[float, float]) -> None:
    """Say something in one of the conversations now and again, until all is over."""
    number = 0
    while not scene.is_over:
        await asyncio.sleep(scene.chance.uniform(*pause))
        if sum(len(found.transcript.pending) for found in followed) >= UNACCEPTED:
            continue
        number += 1
        scene.chance.choice(followed).say(f"Message {number}: {scene.chance.random()}")


async def cuts(scene: Scene) -> None:
    """Cut lines at random until it is enough, and kill processes on the way."""
    cutting: set[asyncio.Task[None]] = set()
    while scene.done < DISCONNECTS:
        scene.failed_check()
        standing = [line for line in scene.lines if line.may_be_cut]
        if standing and scene.done + len(cutting) < DISCONNECTS:
            task = asyncio.create_task(_cut(scene, scene.chance.choice(standing)))
            cutting.add(task)
            task.add_done_callback(cutting.discard)
        await asyncio.sleep(CUT_EVERY_SECONDS)
        for after, name in KILLS.items():
            is_due = scene.done >= after and scene.kills[f"{name} {after}"] == 0
            if is_due and await asyncio.to_thread(scene.stack.kill, name):
                scene.kills[f"{name} {after}"] = 1


async def _cut(scene: Scene, line: VisitorClient | AgentClient) -> None:
    # An agent's window that only looks on has nothing to say by halves, nor has a second tab.
    looks_on = line in scene.tabs or line in scene.windows
    kinds = [kind for kind in CUTS if not (looks_on and kind == "half_said")]
    await line.cut(scene.chance.choice(kinds))
    scene.done += 1


async def sleeps(scene: Scene) -> None:
    """Keep one tab away while more is said than a resume brings."""
    tab = scene.tabs[0]
    tab.may_dial.clear()
    if tab.connection is not None:
        tab.connection.reset()
    path = f"/api/v1/conversations/{tab.chat.conversation}/messages"
    for number in range(SLEPT_THROUGH):
        body = {"text": f"Slept through {number}", "client_id": uuid4().hex}
        await asyncio.to_thread(scene.workspace.ask, "POST", path, body, bearer=scene.tokens[0])
    tab.may_dial.set()


async def storm(stack: RunningStack) -> dict[str, Any]:
    """Write and cut, wait for calm, and compare."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(8))
    scene = await scene_set(stack)
    writing = [
        asyncio.create_task(writes(scene, line.followed, pause))
        for lines, pause in (
            (scene.visitors, VISITOR_PAUSE),
            (scene.with_ai, TO_AI_PAUSE),
            (scene.agents, AGENT_PAUSE),
        )
        for line in lines
    ]
    began = time.monotonic()
    await cuts(scene)
    seconds = time.monotonic() - began
    await sleeps(scene)
    scene.is_over = True
    await asyncio.gather(*writing)
    for of in scene.visitors[:LATE]:
        scene.tabs.append(_tab(scene, of))
        scene.start(scene.tabs[-1])
    found = await converge(scene)
    for task in scene.tasks:
        task.cancel()
    return {**found, **counts(scene), "seconds": round(seconds, 1), "seed": SEED}


async def converge(scene: Scene) -> dict[str, Any]:
    """Wait until every client shows what the database has, or for long enough, and compare."""
    began = time.monotonic()
    with scene.stack.database() as connection:
        await asyncio.to_thread(calm_await, connection, scene.workspace.schema)
        while True:
            stored = await asyncio.to_thread(stored_rows, scene)
            different = [found for found in scene.followed if is_different(found, stored)]
            if not different or time.monotonic() - began > CONVERGE_SECONDS:
                break
            scene.failed_check()
            await asyncio.sleep(0.5)
    for found in different[:5]:
        print(difference(found, stored), file=sys.stderr)
    return {
        "transcripts": len(scene.followed),
        "different_from_database": len(different),
        "duplicates_shown": sum(found.transcript.shown_twice for found in scene.followed),
        "messages": sum(len(rows) for rows in stored.values()),
        "converged_after_s": round(time.monotonic() - began, 1),
    }


def stored_rows(scene: Scene) -> dict[str, list[Row]]:
    """Return the rows of each conversation, in order."""
    query = (
        "SELECT conversation_id::text, seq, coalesce(client_id, ''), id::text, author, text"  # noqa: S608 - our own names
        f" FROM {scene.workspace.schema}.conversations_message ORDER BY conversation_id, seq"
    )
    stored: dict[str, list[Row]] = {}
    with scene.stack.database() as connection:
        for conversation, seq, client_id, name, author, text in connection.execute(query.encode()):
            told = {"seq": seq, "client_id": client_id, "id": name, "author": author, "text": text}
            stored.setdefault(conversation, []).append(row_of(told))
    return stored


def is_different(found: Followed, stored: dict[str, list[Row]]) -> bool:
    """Tell whether a client shows anything else than the rows from where it began, or waits."""
    rows = [row for row in stored.get(found.conversation, []) if row[0] >= found.transcript.first]
    return bool(found.transcript.pending) or found.transcript.rows() != rows


def difference(found: Followed, stored: dict[str, list[Row]]) -> str:
    shown, rows = set(found.transcript.rows()), set(stored.get(found.conversation, []))
    missing, foreign = sorted(rows - shown)[:3], sorted(shown - rows)[:3]
    waiting = len(found.transcript.pending)
    return f"{found.conversation}: missing {missing}, foreign {foreign}, pending {waiting}"


def counts(scene: Scene) -> dict[str, Any]:
    """Return what happened on the way."""
    total: Counter[str] = Counter()
    for line in scene.lines:
        total += line.counts
    return {
        "disconnects": scene.done,
        "cuts": {kind: total[f"cut_{kind}"] for kind in CUTS},
        "kills": dict(Counter(name.split()[0] for name in scene.kills)),
        "lines": len(scene.lines),
        "lines_closed": sum(n for name, n in total.items() if name.startswith("closed_")),
        "messages_heard": total["messages_heard"],
        "heard_again": sum(found.transcript.repeated for found in scene.followed),
        "missed_and_resumed": total["missed"],
        "resumes": total["resumed"],
        "gaps": total["gaps"],
        "holes_seen": total["holes"],
        "sent_again_on_a_standing_line": total["resent"],
        "errors": {name: n for name, n in sorted(total.items()) if name.startswith("error_")},
    }


def targets_hold(found: dict[str, Any]) -> bool:
    return bool(
        found["different_from_database"] == found["duplicates_shown"] == 0
        and found["disconnects"] == DISCONNECTS
        and all(found["cuts"].values())
        and found["kills"] == dict(Counter(KILLS.values()))
        and found["gaps"] > 0
    )


def main() -> int:
    with stack_up("resume", {"FRONTDESK_DEMO": "0"}) as stack:
        found = asyncio.run(storm(stack))
    print(json.dumps(found))
    return 0 if targets_hold(found) else 1


if __name__ == "__main__":
    sys.exit(main())
