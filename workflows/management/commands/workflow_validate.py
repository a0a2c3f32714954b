"""Check workflow files and say where each mistake stands."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workflows.engine.step import kinds
from workflows.spec.errors import SpecError
from workflows.spec.loading import load


class Command(BaseCommand):
    """Print ``file:line:column: message`` for every mistake; exit with 1 if there is one."""

    help = "Check workflow YAML files: shape, conditions, graph."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take one or more files."""
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Check each file."""
        if not all([self._check(path) for path in options["files"]]):
            raise CommandError("There are mistakes.", returncode=1)

    def _check(self, path: Path) -> bool:
        try:
            source = path.read_bytes().decode("utf-8", "surrogateescape")
            graph = load(source, kinds(), filename=str(path))
        except OSError as error:
            self.stderr.write(f"{path}: {error.strerror}")
            return False
        except SpecError as error:
            self.stderr.write(str(error))
            return False
        self.stdout.write(f"{path}: {graph.name} {graph.version}, {len(graph.nodes)} steps, fine")
        return True
