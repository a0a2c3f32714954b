"""Print the AsyncAPI document: `manage.py asyncapi > docs/asyncapi.yaml`."""

from typing import Any

import yaml
from django.core.management.base import BaseCommand

from conversations.asyncapi import document_build


class Command(BaseCommand):
    """Print the AsyncAPI document of the sockets."""

    help = "Print the AsyncAPI document of the sockets."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(yaml.safe_dump(document_build(), sort_keys=False, width=100), ending="")
