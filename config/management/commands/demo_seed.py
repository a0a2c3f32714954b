"""Load the demo: workspaces, people, documents, orders; write var/demo.json."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.seeding import DemoIncomplete, demo_seed


class Command(BaseCommand):
    help = "Create or complete the demo workspaces and wait until their documents are ready."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.IS_DEMO_ALLOWED:
            raise CommandError("The demo has known logins; it is not for a deployment.")
        said = ""

        def say(text: str) -> None:
            nonlocal said
            if text != said:
                self.stdout.write(text)
            said = text

        try:
            demo_seed(say=say)
        except DemoIncomplete as error:
            raise CommandError(str(error)) from error
        self.stdout.write("demo ready")
