"""Write a workflow's graph for other tools to draw."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workflows.engine.step import kinds
from workflows.exporting import FORMATS
from workflows.library import fragments, library
from workflows.spec.bundles import bundle_gather
from workflows.spec.errors import SpecError
from workflows.spec.graph import Graph
from workflows.spec.loading import load_bundle


class Command(BaseCommand):
    """Print a workflow of the library, or of a file, as Mermaid or DOT."""

    help = "Print a workflow's graph as Mermaid or Graphviz DOT."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a name or a file, and the format."""
        parser.add_argument("workflow", metavar="NAME|FILE", help="a library's name or a YAML file")
        parser.add_argument("--format", choices=sorted(FORMATS), default="mermaid")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the drawing."""
        self.stdout.write(FORMATS[options["format"]](_graph(options["workflow"])), ending="")


def _graph(workflow: str) -> Graph:
    if workflow in library():
        return library()[workflow]
    try:
        source = Path(workflow).read_bytes().decode("utf-8", "surrogateescape")
        return load_bundle(bundle_gather(source, fragments()), kinds(), filename=workflow)
    except OSError as error:
        known = ", ".join(sorted(library()))
        message = f"{workflow}: {error.strerror}; the library has {known}."
        raise CommandError(message) from error
    except SpecError as error:
        raise CommandError(str(error)) from error
