"""What is worth telling about a workflow that is right, and what keeps one from ending."""

import pytest

from tests.workflows.kinds import KINDS
from workflows.spec.errors import Severity, SpecError
from workflows.spec.graph import Graph
from workflows.spec.lints import Spending, lint, worst_case
from workflows.spec.loading import load
from workflows.spec.tools import ToolFacts

HEAD = 'name: shop\nversion: "1"\n'
TOOLS = {
    tool.name: tool
    for tool in (
        ToolFacts("find"),
        ToolFacts("charge", has_side_effects=True, is_idempotent=True),
        ToolFacts("mail", has_side_effects=True, is_idempotent=False),
    )
}


def graph_of(steps: str, head: str = "") -> Graph:
    return load(HEAD + head + "steps:\n" + steps, KINDS)


def warnings(graph: Graph) -> list[str]:
    found = lint(graph, TOOLS)
    assert {problem.severity for problem in found} <= {Severity.WARNING}
    return [problem.located("shop.yaml") for problem in found]


def test_effect_that_cannot_be_undone_or_repeated_is_told() -> None:
    graph = graph_of(
        "  - {id: a, type: tool, tool: find}\n  - {id: b, type: tool, tool: charge}\n"
        "  - {id: c, type: tool, tool: mail}\n"
        "  - {id: d, type: tool, tool: mail, compensate: {tool: find}}\n"
    )
    [warning] = warnings(graph)
    assert warning.startswith("shop.yaml:6:10: warning: The tool 'mail' changes something")


def test_worst_case_takes_the_dearest_way_and_turns_every_loop() -> None:
    graph = graph_of(
        "  - id: each\n    type: foreach\n    config:\n      in: input.items\n      as: item\n"
        "      max: 10\n      steps:\n"
        "        - {id: a, type: llm, budget: {cost: 0.01, tokens: 100}}\n"
        "  - {id: choose, type: branch, config: {cases: [{when: true, next: b}], default: c}}\n"
        "  - {id: b, type: llm, next: end, budget: {tokens: 5}}\n"
        "  - {id: c, type: llm, timeout: 2s, retry: {max: 3}, budget: {tokens: 7}}\n"
    )
    assert worst_case(graph) == Spending(steps=13, wall_ms=6_000, tokens=1_007, cost_micro=100_000)


def test_branches_cost_together_and_last_as_long_as_the_longest() -> None:
    graph = graph_of(
        "  - id: both\n    type: parallel\n    config:\n      branches:\n"
        "        one: [{id: a, type: llm, timeout: 2s, budget: {tokens: 5}}]\n"
        "        two: [{id: b, type: llm, timeout: 3s, budget: {tokens: 6}}]\n"
    )
    assert worst_case(graph) == Spending(steps=3, wall_ms=3_000, tokens=11)


def test_budget_of_a_container_bounds_what_is_inside() -> None:
    graph = graph_of(
        "  - id: again\n    type: loop\n    budget: {tokens: 50}\n    config:\n"
        "      until: index > 1\n      max: 100\n      steps:\n"
        "        - {id: a, type: llm, budget: {tokens: 5}}\n"
    )
    assert worst_case(graph).tokens == 50


def test_more_than_the_budget_of_the_run_is_told_at_the_budget() -> None:
    graph = graph_of(
        "  - {id: a, type: llm, budget: {cost: 0.3}}\n"
        "  - {id: b, type: llm, budget: {cost: 0.3}}\n",
        "budget: {cost: 0.5}\n",
    )
    assert warnings(graph) == [
        "shop.yaml:3:1: warning: The budgets of the steps may add up to 0.6 (cost);"
        " the run's is 0.5."
    ]


def test_more_steps_than_the_limit_are_told() -> None:
    loop = "{until: index > 1, max: 100, steps: [{id: a, type: router}, {id: b, type: router}]}"
    graph = graph_of(f"  - {{id: l, type: loop, config: {loop}}}\n", "limits: {steps: 50}\n")
    assert warnings(graph) == [
        "shop.yaml:3:1: warning: A run may take up to 201 steps and is cut after 50."
    ]


def test_steps_of_a_cycle_count_as_often_as_they_may_be_visited() -> None:
    graph = graph_of(
        "  - {id: a, type: router, max_visits: 4}\n"
        "  - {id: b, type: branch, config: {cases: [{when: true, next: a}], default: end}}\n"
    )
    assert worst_case(graph).steps == 8


def test_cycle_must_be_bounded_by_a_step_on_it() -> None:
    cases = "{cases: [{when: true, next: a}, {when: false, next: c}], default: end}"
    steps = (
        "  - {id: a, type: router}\n"
        f"  - {{id: b, type: branch, config: {cases}}}\n"
        "  - {id: c, type: router, max_visits: 3, next: a}\n"
    )
    with pytest.raises(SpecError) as caught:
        graph_of(steps)
    assert "5:63: These steps form a cycle without an end: a → b → a" in str(caught.value)


@pytest.mark.parametrize("bound", ["{id: a, type: ask}", "{id: a, type: router, max_visits: 3}"])
def test_cycle_through_a_wait_or_a_bound_is_fine(bound: str) -> None:
    cases = "{cases: [{when: true, next: a}], default: end}"
    graph = graph_of(f"  - {bound}\n  - {{id: b, type: branch, config: {cases}}}\n")
    assert graph.is_cyclic


def test_cycle_that_never_ends_is_an_error() -> None:
    steps = "  - {id: a, type: ask}\n  - {id: b, type: ask, next: a}\n"
    with pytest.raises(SpecError) as caught:
        graph_of(steps)
    assert "No way leads from the step 'a' to an end" in str(caught.value)
