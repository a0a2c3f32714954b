"""Deliver stored events to a subscriber again, and watch the relay do it."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from core import directory
from core.errors import DomainError, ReplayUnderWay
from core.events import replay
from core.events.models import EventReplay
from core.management.instants import instant

WATCH_SECONDS = 1.0


class Command(BaseCommand):
    help = (
        "Deliver stored events to SUBSCRIBER again, from a point in time. The relay does the work: "
        "this command may be stopped and repeated, and then follows what is under way."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("subscriber", help="a name such as analytics.activity_project")
        parser.add_argument("--since", type=instant, help="ISO 8601, UTC unless it says otherwise")
        parser.add_argument("--until", type=instant, help="before this instant; by default now")
        parser.add_argument("--tenant", default="", help="the slug of one workspace")
        parser.add_argument("--rebuild", action="store_true", help="forget, then replay")
        parser.add_argument("--dry-run", action="store_true", help="count only")
        parser.add_argument("--no-wait", action="store_true", help="request and return")
        parser.add_argument("--cancel", action="store_true", help="end what is under way")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._run(options)
        except DomainError as error:
            raise CommandError(error.detail) from error

    def _run(self, options: dict[str, Any]) -> None:
        chosen = {"subscriber": options["subscriber"], "tenant_slug": options["tenant"]}
        if options["cancel"]:
            self.stdout.write(f"{replay.replay_cancel(**chosen)} replays cancelled")
            return
        span = {"since": options["since"], "until": options["until"]}
        if span["since"] is None:
            raise CommandError("Say from when on: --since 2026-11-20T08:00")
        if options["dry_run"]:
            self._preview({**chosen, **span})
        else:
            self._replay(chosen, {**chosen, **span, "rebuild": options["rebuild"]}, options)
        self._gone_tell(span["since"])

    def _preview(self, wanted: dict[str, Any]) -> None:
        plans = replay.replay_preview(**wanted)
        for plan in plans:
            self.stdout.write(f"{plan.tenant.slug}: {plan.events} events")
        total = sum(plan.events for plan in plans)
        self.stdout.write(f"{total} events of {len(plans)} workspaces; nothing was changed")

    def _replay(
        self, chosen: dict[str, Any], wanted: dict[str, Any], options: dict[str, Any]
    ) -> None:
        try:
            rows = replay.events_replay(**wanted)
            self.stdout.write(f"requested for {len(rows)} workspaces")
        except ReplayUnderWay:
            rows = replay.replay_list(**chosen)
            self.stdout.write(f"nothing new requested; {len(rows)} replays are under way")
        if rows and not options["no_wait"]:
            self._watch([row.pk for row in rows])

    def _watch(self, replay_ids: list[UUID]) -> None:
        """Print the sums whenever they change, and each workspace's own at the end."""
        told = ""
        while True:
            found = replay.replay_progress(replay_ids)
            line = _sums(found)
            if line != told:
                self.stdout.write(line)
                told = line
            if all(item.state not in EventReplay.OPEN for item in found):
                break
            time.sleep(WATCH_SECONDS)
        self._ends_tell(found)

    def _ends_tell(self, found: list[replay.ReplayProgress]) -> None:
        slugs = {tenant.id: tenant.slug for tenant in directory.tenants_active()}
        for item in found:
            slug = slugs.get(item.tenant_id, str(item.tenant_id))
            end = f"{slug}: {item.state}, {item.done} delivered, {item.failed} failed"
            self.stdout.write(f"{end} {item.reason}".rstrip())
        if any(item.state != EventReplay.State.DONE for item in found):
            raise CommandError("Not every replay came to its end.")

    def _gone_tell(self, since: Any) -> None:
        days = replay.days_gone(since)
        if days:
            self.stderr.write(
                f"{len(days)} days from {days[0]} to {days[-1]} are gone: events of that age are "
                "no longer stored, or never were, and were not replayed"
            )


def _sums(found: list[replay.ReplayProgress]) -> str:
    planned = sum(item.planned for item in found)
    done = sum(item.done for item in found)
    failed = sum(item.failed for item in found)
    still = sum(item.state in EventReplay.OPEN for item in found)
    return f"{done} of {planned} delivered, {failed} failed, {still} replays under way"
