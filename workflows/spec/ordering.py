"""What may be wrong with the ways between steps: no such step, cycles, steps nothing leads to."""

from collections.abc import Collection, Iterator, Mapping

from workflows.spec.document import Document
from workflows.spec.errors import SpecProblem
from workflows.spec.graph import Edge, Node
from workflows.spec.kinds import END

MAX_LISTED = 20


def unknown_targets(
    nodes: Mapping[str, Node], bodies: Mapping[str, str], document: Document
) -> list[SpecProblem]:
    """Find ways out of a body; ``bodies`` gives the body of each step written, right or wrong."""
    return [
        document.problem(edge.path, message)
        for node in nodes.values()
        for edge in node.edges
        if (message := _target_mistake(edge, node.body, bodies))
    ]


def _target_mistake(edge: Edge, body: str, bodies: Mapping[str, str]) -> str:
    if edge.target == END or bodies.get(edge.target) == body:
        return ""
    if edge.target in bodies:
        return f"The step '{edge.target}' stands in another body: only steps beside it lead there."
    beside = [step_id for step_id, of in bodies.items() if of == body][:MAX_LISTED]
    return f"There is no step '{edge.target}' (known: {', '.join([*beside, END])})."


def cycles(nodes: Mapping[str, Node]) -> Iterator[tuple[Edge, list[str]]]:
    """Yield a closing edge and the steps of a circle, at least one for each knot of cycles.

    The walk is depth first; an edge back to a step on the current path closes a cycle. Ways to
    steps that are not among the nodes are passed over.
    """
    done: set[str] = set()
    for start in nodes:
        if start in done:
            continue
        path: dict[str, None] = {start: None}
        stack = [iter(nodes[start].edges)]
        while stack:
            edge = next(stack[-1], None)
            if edge is None:
                stack.pop()
                done.add(path.popitem()[0])
            elif edge.target in path:
                walked = list(path)
                yield edge, walked[walked.index(edge.target) :]
            elif edge.target in nodes and edge.target not in done:
                path[edge.target] = None
                stack.append(iter(nodes[edge.target].edges))


def endless(nodes: Mapping[str, Node]) -> list[Node]:
    """Return the steps from which no way leads to the end of their body."""
    before: dict[str, list[str]] = {}
    for node in nodes.values():
        for edge in node.edges:
            before.setdefault(edge.target, []).append(node.id)
    ending: set[str] = set()
    waiting = [END]
    while waiting:
        for step_id in before.get(waiting.pop(), ()):
            if step_id not in ending:
                ending.add(step_id)
                waiting.append(step_id)
    return [node for node in nodes.values() if node.id not in ending]


def unreachable(nodes: Mapping[str, Node], entries: Collection[str]) -> list[Node]:
    """Return the steps that no way from the first step of their body leads to."""
    reached: set[str] = set()
    waiting = list(entries)
    while waiting:
        step_id = waiting.pop()
        if step_id != END and step_id not in reached:
            reached.add(step_id)
            waiting.extend(edge.target for edge in nodes[step_id].edges)
    return [node for node in nodes.values() if node.id not in reached]
