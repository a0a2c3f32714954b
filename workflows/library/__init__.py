"""The workflows that come with the release, one YAML file each."""

from functools import cache
from pathlib import Path

from workflows import steps
from workflows.engine.step import kinds
from workflows.spec.bundles import bundle_gather
from workflows.spec.graph import Graph
from workflows.spec.loading import load_bundle

FOLDER = Path(__file__).parent


@cache
def fragments() -> dict[str, str]:
    """Return the text of every fragment of the release, by name."""
    return {path.stem: path.read_text("utf-8") for path in FOLDER.glob("fragments/*.yaml")}


@cache
def library() -> dict[str, Graph]:
    """Load every file of the library once per process; a mistake in one is a broken release."""
    steps.load()
    graphs = [
        load_bundle(
            bundle_gather(path.read_text("utf-8"), fragments()), kinds(), filename=path.name
        )
        for path in sorted(FOLDER.glob("*.yaml"))
    ]
    return {graph.name: graph for graph in graphs}
