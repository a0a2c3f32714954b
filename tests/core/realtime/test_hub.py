"""The hub: one subscription, fan-out, and what happens when Redis goes away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis.asyncio
from django.conf import settings

from core import tenancy
from core.realtime import broadcast, group_name
from core.realtime.hub import Hub
from core.realtime.wire import Packet


class Follower:
    def __init__(self) -> None:
        self.packets: list[tuple[str, Packet]] = []
        self.rechecks = 0

    def deliver(self, group: str, packet: Packet) -> None:
        self.packets.append((group, packet))

    def recheck(self) -> None:
        self.rechecks += 1

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.packets) < count:
                await asyncio.sleep(0.005)


async def say(group: str, **frame: object) -> None:
    await asyncio.to_thread(broadcast, group, frame, durable=True)


async def test_followers_of_a_group_hear_it_and_others_do_not(world: Any) -> None:
    hub = Hub(settings.REDIS_URL)
    first, second, stranger = Follower(), Follower(), Follower()
    with tenancy.tenant_scope(world.tenants["acme"]):
        ours = group_name("conversation", "same")
    with tenancy.tenant_scope(world.tenants["globex"]):
        theirs = group_name("conversation", "same")
    assert ours != theirs
    await hub.follow(ours, first)
    await hub.follow(ours, second)
    await hub.follow(theirs, stranger)
    await say(ours, type="message", seq=4, text="hällo")
    await asyncio.gather(first.until(1), second.until(1))
    group, packet = first.packets[0]
    assert (group, packet.seq, packet.is_durable) == (ours, 4, True)
    assert packet.text == '{"type":"message","seq":4,"text":"hällo"}'
    await say(theirs, type="x")
    await stranger.until(1)
    assert len(first.packets) == 1
    await hub.close()


async def test_who_has_left_hears_nothing_and_may_come_back(world: Any) -> None:
    hub, follower = Hub(settings.REDIS_URL), Follower()
    with tenancy.tenant_scope(world.tenants["acme"]):
        group = group_name("conversation", "leaving")
    for _ in range(3):
        await hub.follow(group, follower)
        await hub.leave(group, follower)
    await say(group, type="unheard")
    await hub.follow(group, follower)
    await say(group, type="heard")
    await follower.until(1)
    assert [packet.text for _, packet in follower.packets] == ['{"type":"heard"}']
    await hub.close()


async def test_lost_line_is_made_again_and_followers_check_their_position(world: Any) -> None:
    hub, follower = Hub(settings.REDIS_URL), Follower()
    with tenancy.tenant_scope(world.tenants["acme"]):
        group = group_name("conversation", "lost")
    await hub.follow(group, follower)
    assert follower.rechecks == 0
    async with redis.asyncio.Redis.from_url(settings.REDIS_URL) as client:
        for row in await client.client_list(_type="pubsub"):
            if row["name"] == hub.name:
                await client.client_kill_filter(_id=row["id"])
    async with asyncio.timeout(5):
        while not follower.rechecks:
            await asyncio.sleep(0.01)
    await say(group, type="again")
    await follower.until(1)
    await hub.close()


async def test_follow_returns_while_redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.realtime.hub.SUBSCRIBE_TIMEOUT", 0.05)
    hub = Hub("redis://127.0.0.1:1/0")
    await asyncio.wait_for(hub.follow("fd:x:rt:conversation:1", Follower()), 2)
    await hub.close()


def test_broadcast_without_redis_does_not_fail_the_writer(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = redis.Redis.from_url("redis://127.0.0.1:1/0")
    monkeypatch.setattr("core.realtime.publishing.redis_client", lambda: away)
    with tenancy.tenant_scope(world.tenants["acme"]):
        broadcast(group_name("inbox"), {"type": "inbox"}, durable=True)
