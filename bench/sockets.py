"""Two thousand sockets on one process: ours, bare `websockets`, python-socketio, Django Channels.

`make bench NAME=sockets`; ARGS=200 for so many lines and a quick look. Postgres (fsync on) and
Redis are the bench's own. Each system is one process, one after the other, under the same client in
this process, with frames of 600 bytes; those on uvicorn have the same options, uvloop is under all.

- `rtt`: a message is said in one of a thousand rooms of two lines, fifty a second, and heard by the
  other line. Ours: token checked, rate and admission asked in Redis, message and event committed
  under the conversation's seq, `accepted`, broadcast by Redis; a person has the conversation, so no
  workflow answers. Channels and python-socketio: to their Redis and back to the room, no
  credential, nothing stored. Bare: to the room's set in the process, no Redis. `_c20` is twenty
  callers who say the next as soon as the last was heard.
- `fanout_msgs_per_s`: deliveries to one room of all lines, four messages on their way, said by the
  lines themselves; in ours each is committed and has its seq. `room_rtt`: until all lines have it.
- `kb_per_connection`: what the server's resident memory grows by, a line, in the rooms of two.
- `stalled_reader_growth_mb`: five lines stop reading while 7.7 MB are said in their rooms; the most
  that the server grew by, a line. Some 4 MB of that wait in the kernel, in every system.

The last line is one JSON object; exits 0 if it ran whole. Which targets were missed is in it.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Mapping
from itertools import count
from typing import Any, Final

import uvloop

from bench.support.socket_rounds import STALLED_ROOMS, Log, Rounds
from bench.support.socket_systems import System, frontdesk, peers, running
from config.scratch import scratch_servers

CONNECTIONS: Final = 2_000
SLUG: Final = "sockets"
QUEUE_MB: Final = 1.048576  # core.realtime.queue.MAX_BYTES
LIMITS: Final = {
    "rate_percent": 1_000_000,
    "concurrent_sockets": 100_000,
    "concurrent_sockets_per_visitor": 100_000,
}


def tokens_prepare(rooms: int) -> list[str]:
    """Make a workspace with a visitor a room, each in a conversation that a person has."""
    from conversations import services
    from core import directory, tenancy
    from tenants.services import member_add, person_create, tenant_create, tenant_limits_set
    from tenants.types import Role

    with tenancy.platform_scope():
        made = tenant_create(name="Sockets", slug=SLUG)
        tenant_limits_set(tenant_id=made.pk, limits=LIMITS)
    with tenancy.public_scope():
        person = person_create(
            email="agent@sockets.example",
            password=secrets.token_urlsafe(16),
            full_name="Agent",
            is_verified=True,
        )
    tokens = []
    tenant = directory.tenant_by_id(made.pk)
    assert tenant is not None
    with tenancy.tenant_scope(tenant):
        member_add(person=person, role=Role.AGENT)
        key = services.widget_ensure().key
        for _ in range(rooms):
            session = services.visitor_session_start(key=key, origin="")
            services.conversation_claim(
                conversation_id=session.conversation_id, person_id=person.pk
            )
            tokens.append(session.visitor_token)
    return tokens


async def system_measured(system: System, connections: int, letter: str) -> dict[str, Any]:
    """Take a system through all rounds, each on a process of its own."""
    found: dict[str, Any] = {"connections": connections}
    rooms = range(connections // 2)
    # A client id said again in a room would be one message, stored and heard once.
    numbers = count()
    with running(system) as process:
        rounds = Rounds(process, Log(numbers))
        await rounds.warmed()
        found |= await rounds.pairs_measured(connections)
    with running(system) as process:
        rounds = Rounds(process, Log(numbers), text=rounds.text)
        found |= await rounds.fanout_measured(connections, room=rooms[-1])
    with running(system) as process:
        stalled = rooms[-1 - STALLED_ROOMS : -1]
        found |= await Rounds(process, Log(numbers)).stalled_measured(stalled, letter)
    print(f"{system.name}: {json.dumps(found)}", file=sys.stderr)
    return found


def targets(found: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """Return each target with what was measured and whether that meets it."""
    ours, channels, bare = found["frontdesk"], found["channels"], found["bare"]
    most = {
        "rtt_p50_ms": (ours["rtt_p50_ms"], 50.0),
        "rtt_p95_ms": (ours["rtt_p95_ms"], 200.0),
        "kb_per_connection": (ours["kb_per_connection"], 25.0),
        "stalled_reader_growth_mb": (ours["stalled_reader_growth_mb"], 1.25 * QUEUE_MB),
        "rtt_to_channels": (ours["rtt_p50_ms"] / channels["rtt_p50_ms"], 0.5),
        "room_rtt_to_channels": (ours["room_rtt_p50_ms"] / channels["room_rtt_p50_ms"], 0.5),
    }
    fanout = ours["fanout_msgs_per_s"]
    least = {
        "fanout_to_bare": (fanout / bare["fanout_msgs_per_s"], 0.4),
        "fanout_to_channels": (fanout / channels["fanout_msgs_per_s"], 8.0),
    }
    told = {name: _target(value, "<=", bound) for name, (value, bound) in most.items()}
    return told | {name: _target(value, ">=", bound) for name, (value, bound) in least.items()}


def _target(value: float, relation: str, bound: float) -> dict[str, Any]:
    is_met = value <= bound if relation == "<=" else value >= bound
    return {"value": round(value, 3), "target": f"{relation} {bound:g}", "met": is_met}


def main(connections: int) -> int:
    with scratch_servers():
        import django

        django.setup()
        from django.conf import settings

        ours = frontdesk(f"{SLUG}.{settings.BASE_DOMAIN}", tokens_prepare(connections // 2))
        found = {ours.name: uvloop.run(system_measured(ours, connections, "€"))}
        for peer in peers():
            found[peer.name] = uvloop.run(system_measured(peer, connections, "x"))
    judged = targets(found)
    missed = [name for name, target in judged.items() if not target["met"]]
    others = {name: figures for name, figures in found.items() if name != ours.name}
    print(json.dumps({**found[ours.name], **others, "targets": judged, "missed": missed}))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else CONNECTIONS))
