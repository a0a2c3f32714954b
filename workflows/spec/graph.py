"""The compiled form of a workflow: nodes, the edges between them, and what may be wrong there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workflows.spec.conditions import Condition
from workflows.spec.errors import SpecProblem
from workflows.spec.kinds import END, StepConfig, StepKind
from workflows.spec.source import Document, Path


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from one step to another, with the condition it is taken under in words."""

    source: str
    target: str
    label: str
    path: Path


@dataclass(frozen=True, slots=True)
class Node:
    """One step: where it goes when done (``next``) and when its condition is false (``after``)."""

    index: int
    id: str
    kind: StepKind
    config: StepConfig
    description: str
    condition: Condition | None
    next: str
    after: str
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """A checked workflow, ready to run; ``content_hash`` identifies its exact text."""

    name: str
    version: str
    description: str
    content_hash: str
    source: str
    nodes: Mapping[str, Node]

    @property
    def entry(self) -> str:
        """The first step written is the first to run."""
        return next(iter(self.nodes))


def unknown_targets(
    nodes: Mapping[str, Node], written: Sequence[str], document: Document
) -> list[SpecProblem]:
    """Find edges to steps that are not among those ``written`` in the file, right or wrong."""
    known = f"known: {', '.join([*written[:20], END])}"
    return [
        document.problem(edge.path, f"There is no step '{edge.target}' ({known}).")
        for node in nodes.values()
        for edge in node.edges
        if edge.target != END and edge.target not in written
    ]


def order_problems(nodes: Mapping[str, Node], document: Document) -> list[SpecProblem]:
    """Find cycles and steps that nothing leads to, in a graph that is otherwise right."""
    return _cycles(nodes, document) or _unreachable(nodes, document)


def _cycles(nodes: Mapping[str, Node], document: Document) -> list[SpecProblem]:
    """Walk depth first; an edge back to a step on the current path closes a cycle."""
    done: set[str] = set()
    problems: list[SpecProblem] = []
    for start in nodes:
        if start in done:
            continue
        path = [start]
        stack = [iter(nodes[start].edges)]
        while stack:
            edge = next(stack[-1], None)
            if edge is None:
                stack.pop()
                done.add(path.pop())
            elif edge.target in path:
                circle = " → ".join([*path[path.index(edge.target) :], edge.target])
                problems.append(document.problem(edge.path, f"These steps form a cycle: {circle}."))
            elif edge.target != END and edge.target not in done:
                path.append(edge.target)
                stack.append(iter(nodes[edge.target].edges))
    return problems


def _unreachable(nodes: Mapping[str, Node], document: Document) -> list[SpecProblem]:
    reached: set[str] = set()
    waiting = [next(iter(nodes))]
    while waiting:
        step_id = waiting.pop()
        if step_id != END and step_id not in reached:
            reached.add(step_id)
            waiting.extend(edge.target for edge in nodes[step_id].edges)
    return [
        document.problem(("steps", node.index, "id"), f"Nothing leads to the step '{node.id}'.")
        for node in nodes.values()
        if node.id not in reached
    ]
