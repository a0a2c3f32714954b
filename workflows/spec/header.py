"""What the head of a file says about all of its steps, also in its older spelling."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from workflows.spec.document import Document
from workflows.spec.errors import SpecProblem
from workflows.spec.graph import Edge, Node
from workflows.spec.kinds import END, LLM, REPLY, StepKind
from workflows.spec.models import (
    FallbackHandling,
    RetryHandling,
    RetrySpec,
    WorkflowSpec,
)
from workflows.spec.schemas import schema_problems
from workflows.spec.tools import ToolFacts, tool_mistake

_ASKING = {"message", "websocket"}


def default_retry(spec: WorkflowSpec) -> RetrySpec | None:
    """Return how every step is tried that does not say so itself."""
    for handling in spec.error_handling:
        if isinstance(handling, RetryHandling):
            return RetrySpec(max=handling.max_attempts, factor=handling.backoff_factor)
    return None


def fallback(spec: WorkflowSpec) -> str:
    """Return the tool to call for a run that failed; empty without one."""
    for handling in spec.error_handling:
        if isinstance(handling, FallbackHandling):
            return handling.action
    return ""


def header_problems(
    spec: WorkflowSpec,
    bodies: Mapping[str, str],
    tools: Mapping[str, ToolFacts] | None,
    document: Document,
) -> Iterator[SpecProblem]:
    """Find what is wrong above and below the steps; ``bodies`` has every step written."""
    for key, schema in (("input", spec.input), ("output", spec.output)):
        if schema is not None:
            yield from schema_problems(schema, (key,), document)
    for index, undo in enumerate(spec.compensation):
        if undo.step not in bodies:
            message = f"There is no step '{undo.step}'."
            yield document.problem(("compensation", index, "step"), message)
        if message := tool_mistake(undo.action, tools):
            yield document.problem(("compensation", index, "action"), message)
    seen: set[str] = set()
    for index, handling in enumerate(spec.error_handling):
        if handling.type in seen:
            message = f"There already is a '{handling.type}'."
            yield document.problem(("error_handling", index, "type"), message)
        seen.add(handling.type)
        action = handling.action if isinstance(handling, FallbackHandling) else ""
        if message := action and tool_mistake(action, tools):
            yield document.problem(("error_handling", index, "action"), message)


def with_reply(
    spec: WorkflowSpec, nodes: Mapping[str, Node], kinds: Mapping[str, StepKind]
) -> Mapping[str, Node]:
    """Send what the last step wrote, where messages start the workflow and no step replies."""
    last = list(nodes.values())[-1] if nodes else None
    is_asked = any(trigger.type in _ASKING for trigger in spec.triggers)
    has_reply = any(node.kind.name == REPLY for node in nodes.values())
    if last is None or last.kind.name != LLM or last.body or has_reply or not is_asked:
        return nodes
    if last.next != END or REPLY not in kinds:
        return nodes
    reply = _reply(last, kinds[REPLY], nodes)
    edges = tuple(
        replace(edge, target=reply.id) if edge.path[-1] == "next" and not edge.label else edge
        for edge in last.edges
    )
    return {**nodes, last.id: replace(last, next=reply.id, edges=edges), reply.id: reply}


def _reply(last: Node, kind: StepKind, nodes: Mapping[str, Node]) -> Node:
    names = (REPLY, *(f"{REPLY}_{number}" for number in range(2, len(nodes) + 3)))
    step_id = next(name for name in names if name not in nodes)
    return Node(
        index=len(nodes),
        id=step_id,
        kind=kind,
        config=kind.config(),
        description="",
        condition=None,
        next=END,
        after=END,
        edges=(Edge(step_id, END, "", (*last.path, "next")),),
        path=last.path,
        at=last.at,
    )
