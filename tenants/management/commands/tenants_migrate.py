"""Bring the shared schema, the template and every tenant's schema up to date."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants import provisioning


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # `manage.py check` is its own step
    help = "Migrate the shared schema, the template schema, then every tenant that is behind."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say what is behind")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["check"]:
            provisioning.shared_migrate()
            built = provisioning.template_build()
            self.stdout.write("template rebuilt" if built else "template up to date")
        outdated = provisioning.schemas_outdated()
        if options["check"] and outdated:
            raise SystemExit(f"behind: {', '.join(outdated)}")
        if outdated:
            self._upgrade(outdated)

    def _upgrade(self, outdated: list[str]) -> None:
        try:
            provisioning.schemas_upgrade(outdated)
        except provisioning.UpgradeFailed as error:
            done = len(outdated) - len(error.schemas)
            raise CommandError(
                f"{done} tenants migrated, {len(error.schemas)} not:\n{error}"
            ) from error
        self.stdout.write(f"{len(outdated)} tenants migrated")
