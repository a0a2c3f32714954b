"""Steps that hold steps: one graph of all of them, each in its body."""

from tests.workflows.kinds import KINDS
from workflows.spec.graph import Budget, Catch, Retry
from workflows.spec.kinds import END
from workflows.spec.loading import load

SOURCE = """\
name: shop
version: "1"
retries:
  patient: {on: [timeout], max: 5, backoff: 500ms}
result:
  answer: "${ steps.ask_shop.text }"
limits: {steps: 200}
budget: {cost: "0.05", wall_ms: 60000}
steps:
  - id: both
    type: parallel
    config:
      branches:
        left:
          - {id: l1, type: router}
          - {id: l2, type: reply}
        right:
          - {id: r1, type: set, config: {total: "${ 1 + 2 }"}}
  - id: each
    type: foreach
    config:
      in: input.items
      as: item
      max: 10
      steps:
        - id: ask_shop
          type: tool
          tool: shop.find
          timeout: 30s
          retry: patient
          catch: [{on: timeout, next: sorry}]
          compensate: {tool: shop.forget, input: {number: "${ item.number }"}}
          budget: {wall_ms: 100}
          config: {number: "${ item.number }", note: "Item ${ index } of ${ total }"}
          next: end
        - {id: sorry, type: reply, if: error.code == 'timeout'}
  - {id: last, type: reply}
"""


def test_nodes_of_all_bodies_stand_in_one_graph() -> None:
    graph = load(SOURCE, KINDS)
    assert {node.id: node.body for node in graph.nodes.values()} == {
        "both": "", "l1": "both.left", "l2": "both.left", "r1": "both.right",
        "each": "", "ask_shop": "each", "sorry": "each", "last": "",
    }  # fmt: skip
    assert graph.entries == {
        "": "both", "both.left": "l1", "both.right": "r1", "each": "ask_shop",
    }  # fmt: skip
    assert graph.nodes["l2"].next == END
    assert graph.nodes["both"].next == "each"
    assert graph.nodes["sorry"].path == ("steps", 1, "config", "steps", 1)
    assert graph.nodes["sorry"].container == "each"


def test_policy_of_a_step_is_compiled() -> None:
    node = load(SOURCE, KINDS).nodes["ask_shop"]
    assert node.policy.timeout_seconds == 30
    assert node.policy.retry == Retry(frozenset({"timeout"}), max=5, backoff=0.5)
    assert node.policy.catches == (Catch(frozenset({"timeout"}), "sorry"),)
    assert node.policy.budget == Budget(wall_ms=100)
    assert node.tool == "shop.find"
    assert node.compensate is not None
    assert node.compensate.input.render({"item": {"number": 7}}) == {"number": 7}


def test_header_is_compiled() -> None:
    graph = load(SOURCE, KINDS)
    assert (graph.step_limit, graph.budget) == (200, Budget(wall_ms=60_000, cost_micro=50_000))
    assert graph.result["answer"].render({"steps": {"ask_shop": {"text": "yes"}}}) == "yes"
    assert not graph.is_cyclic
