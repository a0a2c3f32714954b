"""Advice on a workflow that is right: what may go wrong or become dear when it runs.

What would keep a workflow from ending (a step nothing leads to, no way to an end, a cycle without a
bound) is an error and found when it is loaded.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from math import ceil

from workflows.spec.document import Position, pointer
from workflows.spec.errors import Severity, SpecProblem
from workflows.spec.graph import NOWHERE, ROOT, Graph, Node
from workflows.spec.kinds import END
from workflows.spec.tools import ToolFacts
from workflows.spec.units import MICRO


@dataclass(frozen=True, slots=True)
class Spending:
    """What a part of a workflow takes at most, as far as budgets and timeouts say."""

    steps: int = 0
    wall_ms: float = 0
    tokens: int = 0
    cost_micro: int = 0

    def __add__(self, other: "Spending") -> "Spending":
        return self._with(other, lambda one, two: one + two)

    def __or__(self, other: "Spending") -> "Spending":
        """Take the larger of each: only one of two ways is walked."""
        return self._with(other, max)

    def _with(self, other: "Spending", join: Callable[[float, float], float]) -> "Spending":
        return Spending(
            steps=int(join(self.steps, other.steps)),
            wall_ms=join(self.wall_ms, other.wall_ms),
            tokens=int(join(self.tokens, other.tokens)),
            cost_micro=int(join(self.cost_micro, other.cost_micro)),
        )

    def times(self, count: int, at_once: int = 1) -> "Spending":
        """Return it done over and over, ``at_once`` of them at the same time."""
        return Spending(
            steps=self.steps * count,
            wall_ms=self.wall_ms * ceil(count / at_once),
            tokens=self.tokens * count,
            cost_micro=self.cost_micro * count,
        )


def lint(graph: Graph, tools: Mapping[str, ToolFacts] | None = None) -> list[SpecProblem]:
    """Return warnings in the order of the file; effects are judged where ``tools`` are given."""
    found = [*_unprotected(graph, tools or {}), *_overspent(graph)]
    return sorted(found, key=lambda problem: (problem.file, problem.line, problem.column))


def worst_case(graph: Graph) -> Spending:
    """Return what a run spends at most: the dearest way, loops as often as they may turn."""
    bodies: dict[str, dict[str, Node]] = {body: {} for body in graph.entries}
    inside: dict[str, list[str]] = {step_id: [] for step_id in graph.nodes}
    for node in graph.nodes.values():
        bodies[node.body][node.id] = node
    for body in bodies:
        if body != ROOT:
            inside[body.split(".")[0]].append(body)
    spent: dict[str, Spending] = {}
    # A body stands behind its container in the file, so the innermost come first from the end.
    for body in reversed(bodies):
        costs = {step_id: _cost(node, inside, spent) for step_id, node in bodies[body].items()}
        spent[body] = _dearest(bodies[body], costs)
    return spent[ROOT]


def _cost(node: Node, inside: Mapping[str, list[str]], spent: Mapping[str, Spending]) -> Spending:
    budget, policy = node.policy.budget, node.policy
    attempts = policy.retry.max if policy.retry else 1
    wall = (policy.timeout_seconds or 0) * 1000 * attempts
    own = Spending(1, wall)
    if budget is not None:
        own = Spending(1, budget.wall_ms or wall, budget.tokens or 0, budget.cost_micro or 0)
    bodies = inside[node.id]
    if not bodies:
        return own
    each = Spending()
    for body in bodies:
        each = each + spent[body]
    longest = max(spent[body].wall_ms for body in bodies)
    each = Spending(each.steps, longest, each.tokens, each.cost_micro)
    at_once = getattr(node.config, "concurrency", None) or 1
    inner = each.times(getattr(node.config, "max", None) or 1, at_once)
    # A container's own budget bounds everything inside it.
    return Spending(
        steps=own.steps + inner.steps,
        wall_ms=_bounded(inner.wall_ms, budget.wall_ms if budget else None),
        tokens=int(_bounded(inner.tokens, budget.tokens if budget else None)),
        cost_micro=int(_bounded(inner.cost_micro, budget.cost_micro if budget else None)),
    )


def _bounded(spent: float, bound: int | None) -> float:
    return spent if bound is None else min(spent, bound)


def _dearest(nodes: Mapping[str, Node], costs: Mapping[str, Spending]) -> Spending:
    """Return the dearest way through a body; with cycles, every step as often as it may be."""
    after = {
        step_id: {edge.target for edge in node.edges} - {END} for step_id, node in nodes.items()
    }
    total = Spending()
    try:
        order = list(TopologicalSorter(after).static_order())
    except CycleError:
        visits = max((node.policy.max_visits or 1 for node in nodes.values()), default=1)
        for cost in costs.values():
            total = total + cost
        return total.times(visits)
    best: dict[str, Spending] = {}
    for step_id in order:
        following = Spending()
        for target in after[step_id]:
            following = following | best[target]
        best[step_id] = costs[step_id] + following
        total = total | best[step_id]
    return total


def _unprotected(graph: Graph, tools: Mapping[str, ToolFacts]) -> Iterator[SpecProblem]:
    """Find calls that change something and can neither be undone nor safely repeated."""
    for node in graph.nodes.values():
        tool = tools.get(node.tool)
        if tool is None or not tool.has_side_effects or node.compensate or tool.is_idempotent:
            continue
        message = (
            f"The tool '{tool.name}' changes something, cannot be repeated safely and nothing"
            " undoes it: give the step a 'compensate'."
        )
        yield _warning(node.at, message)


def _overspent(graph: Graph) -> Iterator[SpecProblem]:
    worst = worst_case(graph)
    if worst.steps > graph.step_limit:
        message = f"A run may take up to {worst.steps} steps and is cut after {graph.step_limit}."
        yield _warning(graph.places.get("limits", NOWHERE), message)
    if graph.budget is None:
        return
    at = graph.places.get("budget", NOWHERE)
    for what, spent, bound, unit in (
        ("time", worst.wall_ms, graph.budget.wall_ms, 1),
        ("tokens", worst.tokens, graph.budget.tokens, 1),
        ("cost", worst.cost_micro, graph.budget.cost_micro, MICRO),
    ):
        if bound is not None and spent > bound:
            message = f"The budgets of the steps may add up to {spent / unit:g} ({what}); the run's"
            yield _warning(at, f"{message} is {bound / unit:g}.")


def _warning(at: Position, message: str) -> SpecProblem:
    where = pointer(at.origin)
    return SpecProblem(at.line, at.column, where, message, at.file, Severity.WARNING)
