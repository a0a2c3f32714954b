"""The workflows that come with the release, one YAML file each."""

from functools import cache
from pathlib import Path

from workflows import steps
from workflows.engine.step import kinds
from workflows.spec.graph import Graph
from workflows.spec.loading import load

FOLDER = Path(__file__).parent


@cache
def library() -> dict[str, Graph]:
    """Load every file of the library once per process; a mistake in one is a broken release."""
    steps.load()
    graphs = [
        load(path.read_text("utf-8"), kinds(), filename=path.name)
        for path in sorted(FOLDER.glob("*.yaml"))
    ]
    return {graph.name: graph for graph in graphs}
