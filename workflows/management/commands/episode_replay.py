"""`manage.py episode_replay RUN`: walk a run again from its events, and say what differs."""

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from core import directory, tenancy
from core.errors import DomainError
from core.tenancy import TenantContext
from routing.types import Tier
from workflows.errors import RunNotFound
from workflows.replaying.rows import Difference, Replay, ReplayedStep
from workflows.replays import run_replay


class Command(BaseCommand):
    """Replay a run; exit with 1 when the replay differs, so that a script can tell."""

    help = (
        "Walk RUN again from its recorded events, without any effect, and print what differs step "
        "by step. --workflow walks another version, --tier asks models again, which costs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the run, and what is to be different."""
        parser.add_argument("run", metavar="RUN", type=UUID)
        parser.add_argument("--tenant", default="", help="its workspace's slug, if known")
        parser.add_argument(
            "--workflow", default="", metavar="VERSION", help="a hash or version of its workflow"
        )
        parser.add_argument("--tier", default="", choices=["", *(tier.value for tier in Tier)])

    def handle(self, *args: Any, **options: Any) -> None:
        """Replay, and print the run, each step, and the verdict."""
        tier = Tier(options["tier"]) if options["tier"] else None
        wanted = {"run_id": options["run"], "version": options["workflow"], "tier": tier}
        try:
            replay = _replayed(options["tenant"], wanted)
        except DomainError as error:
            raise CommandError(error.detail) from error
        self._print(replay)
        if not replay.is_same:
            raise CommandError(f"{len(replay.differing)} steps differ.")

    def _print(self, replay: Replay) -> None:
        self.stdout.write(f"state  {replay.state_hash} after event {replay.seq}")
        self.stdout.write(f"text   {replay.recorded_hash} -> {replay.replayed_hash}")
        self.stdout.write(f"ended  {replay.recorded_status} -> {replay.replayed_status}")
        for step in replay.steps:
            self._print_step(step)
        for tool in replay.would_undo:
            self.stdout.write(f"would undo with {tool}")
        if replay.tier:
            spent = f"{replay.tokens} tokens, {replay.cost_micro} millionths of {replay.currency}"
            self.stdout.write(f"asked {replay.tier}: {spent}")

    def _print_step(self, step: ReplayedStep) -> None:
        place = f"{step.scope}/{step.step_id}" if step.scope else step.step_id
        words = (step.difference.value.replace("_", " "), step.way.value.replace("_", " "))
        self.stdout.write(f"{words[0]:<15} {words[1]:<12} {place} ({step.kind}) #{step.visit}")
        if step.detail:
            self.stdout.write(f"    {step.detail}")
        if step.difference in {Difference.CHANGED_INPUT, Difference.CHANGED_OUTPUT}:
            self.stdout.write(f"    - {json.dumps(step.before, ensure_ascii=False)}")
            self.stdout.write(f"    + {json.dumps(step.after, ensure_ascii=False)}")


def _replayed(slug: str, wanted: dict[str, Any]) -> Replay:
    """Replay in the workspace of a slug, or in the one that has the run."""
    for tenant in _tenants(slug):
        with tenancy.tenant_scope(tenant):
            try:
                return run_replay(**wanted)
            except RunNotFound:
                continue
    raise CommandError(f"No workspace has a run {wanted['run_id']}.")


def _tenants(slug: str) -> list[TenantContext]:
    with tenancy.public_scope():
        return [found for found in directory.tenants_active() if slug in {"", found.slug}]
