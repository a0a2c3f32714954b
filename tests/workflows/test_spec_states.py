"""The state machine form becomes the same graph as steps."""

import pytest

from tests.workflows.kinds import KINDS
from workflows.spec.errors import SpecError
from workflows.spec.kinds import END
from workflows.spec.loading import load

HEAD = 'name: order\nversion: "1"\n'
MACHINE = (
    HEAD
    + """\
initial: asking
max_transitions: 20
states:
  done:
    final: true
    on_enter:
      - {id: thank, type: reply}
  asking:
    on_enter:
      - {id: question, type: ask}
      - {id: read, type: router}
    transitions:
      - {when: "intent == 'stop'", to: done}
      - {when: confidence > 0.8, to: checking}
    otherwise: stay
  checking:
    transitions:
      - {when: "intent == 'back'", to: asking}
    otherwise: done
"""
)


def test_states_become_steps_and_branches() -> None:
    graph = load(MACHINE, KINDS)
    assert list(graph.nodes) == ["question", "read", "asking", "thank", "checking"]
    assert graph.entry == "question"
    assert graph.is_cyclic
    ways = [(edge.label, edge.target) for edge in graph.nodes["asking"].edges]
    assert ways == [
        ("intent == 'stop'", "thank"), ("confidence > 0.8", "checking"), ("otherwise", "question"),
    ]  # fmt: skip
    assert {edge.target for edge in graph.nodes["thank"].edges} == {END}


def test_states_bound_how_often_they_are_left() -> None:
    nodes = load(MACHINE, KINDS).nodes
    assert {nodes[name].policy.max_visits for name in ("asking", "checking")} == {20}


def test_final_state_may_end_with_a_person() -> None:
    graph = load(
        MACHINE.replace("{id: thank, type: reply}", "{id: person, type: escalation}"), KINDS
    )
    assert "done" not in graph.nodes
    assert {edge.target for edge in graph.nodes["person"].edges} == {END}


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ("initial: asking", "initial: start", "3:10: There is no state 'start'"),
        ("to: done", "to: nowhere", "15:40: There is no state 'nowhere'"),
        ("otherwise: done", "otherwise: nowhere", "21:16: There is no state 'nowhere'"),
        ("    otherwise: done\n", "", "19:5: Say in 'otherwise'"),
        ("otherwise: done", "otherwise: stay", "21:16: A state without 'on_enter' steps"),
        ("final: true", "final: true\n    otherwise: asking", "A final state is not left"),
        ("confidence >", "confidenc >", "16:16: Unknown name 'confidenc'"),
        ("confidence > 0.8", "'confidence >'", "16:29: The condition does not parse"),
        ("max_transitions: 20", "max_transitions: 0", "4:18: Input should be greater"),
        ("type: ask", "type: asks", "12:30: Unknown step type"),
        ("to: checking", "to: done", "18:3: Nothing leads to the step 'checking'"),
        ("initial: asking\n", "", "1:1: The key 'initial' is missing"),
        ("initial:", "steps: []\ninitial:", "Give 'steps' or 'states', not both"),
        ("id: thank", "id: asking", "9:14: The step 'asking' already stands on line"),
    ],
)
def test_mistake_in_a_state_is_located(written: str, instead: str, message: str) -> None:
    assert written in MACHINE
    with pytest.raises(SpecError) as caught:
        load(MACHINE.replace(written, instead, 1), KINDS)
    assert message in str(caught.value)


def test_pointer_leads_into_the_state() -> None:
    with pytest.raises(SpecError) as caught:
        load(MACHINE.replace("to: done", "to: nowhere"), KINDS)
    assert caught.value.problems[0].pointer == "/states/asking/transitions/0/to"
