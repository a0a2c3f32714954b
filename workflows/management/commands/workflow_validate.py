"""Check workflow files and say where each mistake stands, and what may go wrong."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workflows.engine.step import kinds
from workflows.library import fragments
from workflows.spec.bundles import bundle_gather
from workflows.spec.errors import SpecError
from workflows.spec.loading import load_bundle
from workflows.texts import tools_known, warnings_of


class Command(BaseCommand):
    """Print ``file:line:column: message`` for every mistake; exit with 1 if there is one.

    Files may use the fragments of the release and those that stand in ``--fragments``.
    """

    help = "Check workflow YAML files: shape, conditions, graph, budgets."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take one or more files."""
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--fragments", type=Path, help="a folder of fragments of your own")
        parser.add_argument("--overlay", type=Path, help="an overlay to apply to the files")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check each file."""
        available = {**fragments(), **_folder(options["fragments"])}
        overlay = _text(options["overlay"]) if options["overlay"] else ""
        if not all([self._check(path, available, overlay) for path in options["files"]]):
            raise CommandError("There are mistakes.", returncode=1)

    def _check(self, path: Path, available: Mapping[str, str], overlay: str) -> bool:
        try:
            bundle = bundle_gather(_text(path), available, overlay=overlay)
            graph = load_bundle(bundle, kinds(), filename=str(path), tools=tools_known())
        except OSError as error:
            self.stderr.write(f"{path}: {error.strerror}")
            return False
        except SpecError as error:
            self.stderr.write(str(error))
            return False
        for warning in warnings_of(graph):
            self.stderr.write(warning.located(str(path)))
        self.stdout.write(f"{path}: {graph.name} {graph.version}, {len(graph.nodes)} steps, fine")
        return True


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def _folder(folder: Path | None) -> dict[str, str]:
    return {path.stem: _text(path) for path in sorted(folder.glob("*.yaml"))} if folder else {}
