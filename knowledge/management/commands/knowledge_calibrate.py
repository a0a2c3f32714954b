"""Fit the models that score passages and sentences."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import directory
from knowledge.calibration.train import calibrate


class Command(BaseCommand):
    """`manage.py knowledge_calibrate SQUAD_FILE TENANT_SLUG`."""

    help = "Fit the scoring models on a SQuAD 2 file and write their coefficients."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("squad", type=Path)
        parser.add_argument("tenant", help="slug of a workspace that may hold the paragraphs")

    def handle(self, *args: Any, **options: Any) -> None:
        found = [t for t in directory.tenants_active() if t.slug == options["tenant"]]
        if not found:
            raise CommandError(f"No workspace is named {options['tenant']}.")
        self.stdout.write(json.dumps(calibrate(options["squad"], found[0]), indent=2))
