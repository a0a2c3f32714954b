"""Turn the text of a workflow into a graph, or into every problem found in it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from workflows.spec.bundles import Bundle
from workflows.spec.checking import validate
from workflows.spec.compiling import Compiler, budget_of
from workflows.spec.document import Document, Tree, document_of
from workflows.spec.errors import SpecError, SpecProblem
from workflows.spec.fragments import Fragment, fragment_read, fragments_expand
from workflows.spec.graph import STEP_LIMIT, Graph, Node
from workflows.spec.header import fallback, header_problems, with_reply
from workflows.spec.kinds import StepKind
from workflows.spec.models import WorkflowSpec
from workflows.spec.naming import unknown_names
from workflows.spec.ordering import cycles, endless, unknown_targets, unreachable
from workflows.spec.overlays import overlay_apply
from workflows.spec.source import parse
from workflows.spec.states import states_expand
from workflows.spec.tools import ToolFacts

MAX_BUNDLE = 512 * 1024


def content_hash(source: str) -> str:
    """Identify a workflow of one file by the SHA-256 of its exact text."""
    return Bundle(source).content_hash


def load(
    source: str,
    kinds: Mapping[str, StepKind],
    *,
    filename: str = "workflow.yaml",
    tools: Mapping[str, ToolFacts] | None = None,
) -> Graph:
    """Check a workflow of one file and compile its graph, as ``load_bundle`` does."""
    return load_bundle(Bundle(source), kinds, filename=filename, tools=tools)


def load_bundle(
    bundle: Bundle,
    kinds: Mapping[str, StepKind],
    *,
    filename: str = "workflow.yaml",
    tools: Mapping[str, ToolFacts] | None = None,
) -> Graph:
    """Check a workflow with its parts and compile its graph.

    The overlay is applied first, then states and uses of fragments become steps, then everything is
    checked. Raises ``SpecError`` with every problem, located in the file it stands in. Names of
    tools and their inputs are checked where the ``tools`` that exist are given.
    """
    document = document_of(_joined(bundle, kinds, filename))
    spec, problems = validate(WorkflowSpec, document.data, document, ())
    if spec is None:
        raise SpecError(problems, filename)
    compiler = Compiler(kinds, document, spec, tools)
    compiler.body(spec.steps, ("steps",))
    compiler.problems += header_problems(spec, compiler.bodies, tools, document)
    problems = _problems(spec, compiler)
    if problems:
        raise SpecError(problems, filename)
    return Graph(
        name=spec.name,
        version=spec.version,
        description=spec.description,
        content_hash=bundle.content_hash,
        bundle=bundle,
        nodes=with_reply(spec, compiler.nodes, kinds),
        entries=compiler.entries,
        input_schema=spec.input,
        output_schema=spec.output,
        result=spec.result,
        step_limit=spec.limits.steps if spec.limits else STEP_LIMIT,
        budget=budget_of(spec.budget),
        is_cyclic=any(cycles(compiler.nodes)),
        fallback=fallback(spec),
        places={str(path[0]): at for path, at in document.keys.items() if len(path) == 1},
    )


def _joined(bundle: Bundle, kinds: Mapping[str, StepKind], filename: str) -> Tree:
    """Return one tree of everything the bundle holds; raises ``SpecError``."""
    if bundle.size > MAX_BUNDLE:
        message = f"The parts of the workflow have {bundle.size} characters; {MAX_BUNDLE} may be."
        raise SpecError([SpecProblem(1, 1, "", message)], filename)
    root = parse(bundle.source, filename)
    problems: list[SpecProblem] = []
    fragments: dict[str, Fragment] = {}
    for name, source in bundle.fragments.items():
        try:
            fragments[name] = fragment_read(name, source)
        except SpecError as error:
            problems += [replace(found, file=error.filename) for found in error.problems]
    try:
        problems += overlay_apply(root, bundle.overlay, kinds) if bundle.overlay else []
    except SpecError as error:
        problems += [replace(found, file=error.filename) for found in error.problems]
    problems += states_expand(root, kinds)
    if not problems:
        problems += fragments_expand(root, fragments, kinds)
    if problems:
        raise SpecError(problems, filename)
    return root


def _problems(spec: WorkflowSpec, compiler: Compiler) -> list[SpecProblem]:
    problems, document = compiler.problems, compiler.document
    problems += unknown_names(
        compiler.nodes,
        compiler.kinds,
        spec.result,
        document,
        compiler.bodies,
        is_complete=not problems,
    )
    problems += unknown_targets(compiler.nodes, compiler.bodies, document)
    return problems or _order_problems(compiler, document)


def _order_problems(compiler: Compiler, document: Document) -> list[SpecProblem]:
    unbounded = {key: node for key, node in compiler.nodes.items() if not _is_bounded(node)}
    found = [
        document.problem(edge.path, _cycle_message(circle)) for edge, circle in cycles(unbounded)
    ]
    found += [
        document.problem((*node.path, "id"), f"Nothing leads to the step '{node.id}'.")
        for node in unreachable(compiler.nodes, compiler.entries.values())
    ]
    return found or [
        document.problem((*node.path, "id"), f"No way leads from the step '{node.id}' to an end.")
        for node in endless(compiler.nodes)
    ]


def _cycle_message(circle: Sequence[str]) -> str:
    walked = " → ".join([*circle, circle[0]])
    return f"These steps form a cycle without an end: {walked}. Give one of them 'max_visits'."


def _is_bounded(node: Node) -> bool:
    """Tell whether a cycle through this step stops of itself, or stands still each time round."""
    return node.policy.max_visits is not None or node.kind.waits
