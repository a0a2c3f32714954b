"""`manage.py workflows_purge TENANT`: stop a workspace's runs at once, or let them go on."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core import directory, tenancy
from core.errors import DomainError
from core.tenancy import TenantContext
from tenants.management.commands.degrade import lasting_read
from workflows.stopping import runs_purge, runs_resume, runs_stop


class Command(BaseCommand):
    """Stop every run of a workspace and end those that go on; run again, it finishes the work."""

    help = (
        "Stop a workspace's workflows: no run starts, those that go on end and their conversations "
        "go to people. --resume lifts it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the workspace and what is meant."""
        parser.add_argument("tenant", metavar="TENANT", help="the workspace's slug")
        parser.add_argument("--workflow", default="", help="only this workflow")
        parser.add_argument(
            "--older-than",
            default="",
            metavar="TIME",
            help="end only runs that began before, like 90s, 30m, 2h, 1d; stops nothing new",
        )
        parser.add_argument("--resume", action="store_true", help="let runs start again")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say what was done; exit with 1 when runs are left."""
        if options["resume"] and options["older_than"]:
            raise CommandError("--resume takes no --older-than.")
        with tenancy.tenant_scope(_tenant(options["tenant"])):
            try:
                self._act(**options)
            except DomainError as error:
                raise CommandError(error.detail) from error

    def _act(self, *, workflow: str, older_than: str, resume: bool, **_options: Any) -> None:
        if resume:
            lifted = runs_resume(workflow=workflow)
            self.stdout.write("Resumed." if lifted else "Nothing was stopped.")
            return
        if older_than:
            before = timezone.now() - lasting_read(older_than)
            purged = runs_purge(workflow=workflow, before=before)
        else:
            purged = runs_stop(workflow=workflow)
            self.stdout.write("Stopped: no run starts until --resume.")
        self.stdout.write(f"Ended {purged.ended} runs.")
        if purged.left:
            raise CommandError(f"{purged.left} runs could not be ended: run this again.")


def _tenant(slug: str) -> TenantContext:
    with tenancy.public_scope():
        for tenant in directory.tenants_active():
            if tenant.slug == slug:
                return tenant
    raise CommandError(f"There is no active workspace {slug!r}.")
