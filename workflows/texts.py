"""The texts of a workflow as they are kept: one file, or one with the fragments it uses."""

from workflows.engine.step import kinds
from workflows.library import fragments
from workflows.spec.bundles import Bundle, bundle_gather
from workflows.spec.graph import Graph
from workflows.spec.loading import load_bundle


def stored_of(source: str) -> str:
    """Return what is kept of a text: with the release's fragments it uses, as they are now.

    A later release may change a fragment; a version stays what it was. What is kept already stays
    as it is.
    """
    bundle = Bundle.from_stored(source)
    return bundle.stored if bundle.fragments else bundle_gather(source, fragments()).stored


def graph_of(stored: str, *, filename: str = "workflow.yaml") -> Graph:
    """Compile what is kept; raises ``SpecError``."""
    return load_bundle(Bundle.from_stored(stored), kinds(), filename=filename)
