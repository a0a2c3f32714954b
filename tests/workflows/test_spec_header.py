"""What the head of a file says about its steps, also in the older spelling."""

from pathlib import Path

import pytest

from tests.workflows.kinds import KINDS
from workflows.engine.step import kinds
from workflows.spec.errors import SpecError
from workflows.spec.graph import Graph, Retry
from workflows.spec.kinds import END
from workflows.spec.loading import load
from workflows.spec.tools import ToolFacts

EXAMPLE = Path(__file__).parent / "data" / "customer_support_workflow.yaml"
HEAD = 'name: shop\nversion: "1"\n'
ORDER = {
    "type": "object",
    "properties": {"number": {"type": "string"}, "count": {"type": "integer"}},
    "required": ["number"],
    "additionalProperties": False,
}
TOOLS = {
    "find": ToolFacts("find", ORDER),
    "undo": ToolFacts("undo"),
}


@pytest.fixture
def example() -> Graph:
    """Return the example with the step types of this release."""
    return load(EXAMPLE.read_text(), {**KINDS, **kinds()})


def load_error(source: str) -> str:
    with pytest.raises(SpecError) as caught:
        load(source, KINDS, tools=TOOLS)
    return str(caught.value)


def test_example_keeps_tools_models_and_conditions(example: Graph) -> None:
    nodes = example.nodes
    assert nodes["faq_lookup"].tool == "faq_search"
    assert nodes["response_generation"].model == "gpt-4"
    assert nodes["intent_classification"].model == "router_v2"
    condition = nodes["human_escalation"].condition
    assert condition is not None
    assert condition.holds({"confidence": 0.9, "intent": "complaint"})


def test_example_tries_every_step_three_times(example: Graph) -> None:
    assert {node.policy.retry for node in example.nodes.values() if node.id != "reply"} == {
        Retry(max=3, factor=2.0)
    }
    assert example.fallback == "generic_response"


def test_example_undoes_a_step_with_its_output(example: Graph) -> None:
    undo = example.nodes["order_lookup"].compensate
    assert undo is not None
    assert undo.tool == "cancel_order_hold"
    assert undo.input.render({"steps": {"order_lookup": {"number": 7}}}) == {"number": 7}


def test_answer_of_the_last_step_is_sent(example: Graph) -> None:
    assert example.nodes["response_generation"].next == "reply"
    reply = example.nodes["reply"]
    assert (reply.kind.name, reply.next) == ("reply", END)


def test_reply_takes_a_free_name() -> None:
    source = HEAD + "triggers: [{type: message}]\nsteps: [{id: reply, type: llm}]\n"
    assert list(load(source, KINDS).nodes) == ["reply", "reply_2"]


@pytest.mark.parametrize(
    "source",
    [
        "triggers: [{type: manual}]\nsteps: [{id: a, type: llm}]\n",
        "triggers: [{type: message}]\nsteps: [{id: a, type: llm}, {id: b, type: reply}]\n",
        "triggers: [{type: message}]\nsteps: [{id: a, type: llm}, {id: b, type: escalation}]\n",
    ],
)
def test_reply_is_not_added_where_nobody_waits_or_another_ends(source: str) -> None:
    assert "reply" not in load(HEAD + source, KINDS).nodes


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("steps: [{id: a, type: tool}]\n", "3:9: The key 'tool' is missing"),
        ("steps: [{id: a, type: reply, tool: find}]\n", "3:30: A 'reply' step calls no tool"),
        ("steps: [{id: a, type: reply, model: m}]\n", "3:30: A 'reply' step asks no model"),
        (
            "steps: [{id: a, type: llm, model: m, config: {model: n}}]\n",
            "3:47: The model is named beside the config already",
        ),
        (
            "steps: [{id: a, type: tool, tool: fnd}]\n",
            "3:35: There is no tool 'fnd' (known: find, undo)",
        ),
        ("steps: [{id: a, type: tool, tool: find}]\n", "The tool 'find' needs 'number'"),
        (
            "steps: [{id: a, type: tool, tool: find, config: {number: 7}}]\n",
            "3:58: For the tool 'find': 7 is not of type 'string'",
        ),
        (
            "steps: [{id: a, type: tool, tool: find, config: {number: x, size: 1}}]\n",
            "3:67: The tool 'find' takes no 'size' (it takes count, number)",
        ),
        (
            "steps: [{id: a, type: router, compensate: {tool: find, input: {}}}]\n",
            "3:63: The tool 'find' needs 'number'",
        ),
        (
            "steps: [{id: a, type: router}]\ncompensation: [{step: b, action: undo}]\n",
            "4:23: There is no step 'b'",
        ),
        (
            "steps: [{id: a, type: router, compensate: {tool: undo}}]\n"
            "compensation: [{step: a, action: undo}]\n",
            "3:31: The list 'compensation' undoes this step already",
        ),
        (
            "steps: [{id: a, type: router}]\nerror_handling: [{type: panic}]\n",
            "4:18: Here must stand 'type: retry' or 'type: fallback'",
        ),
        (
            "steps: [{id: a, type: router}]\n"
            "error_handling: [{type: fallback, action: undo}, {type: fallback, action: undo}]\n",
            "4:57: There already is a 'fallback'",
        ),
        (
            "steps: [{id: a, type: router}]\nerror_handling: [{type: retry, max_attempts: 99}]\n",
            "4:46: Input should be less than or equal to 20",
        ),
        (
            "steps: [{id: a, type: router}]\nerror_handling: [{type: fallback, action: nope}]\n",
            "4:43: There is no tool 'nope'",
        ),
        (
            "input: {type: objekt}\nsteps: [{id: a, type: router}]\n",
            "3:15: Not a JSON Schema: 'objekt' is not valid",
        ),
        ("input: {type: array}\nsteps: [{id: a, type: router}]\n", "3:15: It describes an object"),
        (
            "output: {properties: {a: {$ref: 'http://x/y'}}}\nsteps: [{id: a, type: router}]\n",
            "3:27: The keyword '$ref' is not accepted",
        ),
        (
            "input: {properties: {a: {pattern: '(a+)+$'}}}\nsteps: [{id: a, type: router}]\n",
            "3:26: The keyword 'pattern' is not accepted",
        ),
    ],
)
def test_mistake_beside_the_config_is_located(source: str, message: str) -> None:
    assert message in load_error(HEAD + source)


def test_expression_for_a_tool_is_trusted_until_it_runs() -> None:
    source = HEAD + "steps: [{id: a, type: tool, tool: find, config: {number: '${ text }'}}]\n"
    assert load(source, KINDS, tools=TOOLS).nodes["a"].tool == "find"


def test_property_named_like_a_refused_keyword_is_fine() -> None:
    source = (
        HEAD + "input: {properties: {pattern: {type: string}}}\nsteps: [{id: a, type: router}]\n"
    )
    assert load(source, KINDS).input_schema == {"properties": {"pattern": {"type": "string"}}}
