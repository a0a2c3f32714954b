"""Build the activity projection anew, for one workspace or all."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics.services import activity_rebuild
from core import directory, tenancy


class Command(BaseCommand):
    help = "Rebuild the activity projection from stored events and facts."

    def add_arguments(self, parser: CommandParser) -> None:
        chosen = parser.add_mutually_exclusive_group(required=True)
        chosen.add_argument("--tenant", help="The slug of one workspace.")
        chosen.add_argument("--all", action="store_true", help="Every active workspace.")

    def handle(self, **options: Any) -> None:
        slug = options["tenant"]
        found = [t for t in directory.tenants_active() if slug is None or t.slug == slug]
        if not found:
            raise CommandError(f"There is no active workspace {slug!r}.")
        for tenant in found:
            with tenancy.tenant_scope(tenant):
                self.stdout.write(f"{tenant.slug}: {activity_rebuild()} facts")
