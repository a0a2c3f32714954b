"""Print the JSON Schema of the workflow language."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from workflows.engine.step import kinds
from workflows.spec.editing import language_schema


class Command(BaseCommand):
    """Print the schema, for editors that check YAML by one."""

    help = "Print the JSON Schema of workflow files."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it with sorted keys, so that two releases can be compared."""
        self.stdout.write(json.dumps(language_schema(kinds()), indent=2, sort_keys=True))
