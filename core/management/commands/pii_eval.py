"""Measure the detector of personal data on a file of annotated texts."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.privacy.evaluation import (
    EvaluationFileInvalid,
    evaluate,
    hostile_milliseconds,
    samples_read,
)


class Command(BaseCommand):
    """Print one JSON object as the last line; needs no database."""

    help = "Measure detection of personal data on a file in the format of Presidio's research data."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file."""
        parser.add_argument("file", type=Path)

    def handle(self, *_: Any, **options: Any) -> None:
        """Measure and print; a file that cannot be read is a CommandError."""
        try:
            figures = evaluate(samples_read(options["file"]))
        except EvaluationFileInvalid as error:
            raise CommandError(str(error)) from error
        worst, part = hostile_milliseconds()
        figures |= {"hostile_32kb_ms": round(worst, 1), "hostile_worst": part}
        self.stdout.write(json.dumps(figures))
