"""The texts of a workflow as they are kept: one file, or one with the fragments it uses."""

from workflows.engine.step import kinds
from workflows.engine.tool import tools_all
from workflows.library import fragments
from workflows.spec.bundles import Bundle, bundle_gather
from workflows.spec.errors import SpecProblem
from workflows.spec.graph import Graph
from workflows.spec.lints import lint
from workflows.spec.loading import load_bundle
from workflows.spec.tools import ToolFacts


def stored_of(source: str) -> str:
    """Return what is kept of a text: with the release's fragments it uses, as they are now.

    A later release may change a fragment; a version stays what it was. What is kept already stays
    as it is.
    """
    bundle = Bundle.from_stored(source)
    return bundle.stored if bundle.fragments else bundle_gather(source, fragments()).stored


def graph_of(stored: str, *, filename: str = "workflow.yaml") -> Graph:
    """Compile what is kept, whatever tools there are; raises ``SpecError``."""
    return load_bundle(Bundle.from_stored(stored), kinds(), filename=filename)


def graph_checked(source: str, *, filename: str = "workflow.yaml") -> Graph:
    """Compile a text that is to answer from now on: its tools have to be there.

    Raises ``SpecError``, also for a tool that is not known or is given what it does not take.
    """
    bundle = Bundle.from_stored(stored_of(source))
    return load_bundle(bundle, kinds(), filename=filename, tools=tools_known())


def warnings_of(graph: Graph) -> list[SpecProblem]:
    """Return advice on a workflow that is right: effects nothing protects, and worst cases."""
    return lint(graph, tools_known())


def tools_known() -> dict[str, ToolFacts]:
    """Return what the language has to know of each registered tool, by name."""
    return {
        found.name: ToolFacts(
            found.name, found.input_schema, found.has_side_effects, found.is_idempotent
        )
        for found in tools_all()
    }
