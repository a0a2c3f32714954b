"""Every malformed file of the corpus is refused with the place and the reason it names itself.

The first line of each file is ``# expect <line>:<column> <part of the message>``.
"""

import json
import re
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workflows.kinds import KINDS
from tests.workflows.test_spec_bodies import SOURCE as BODIES
from tests.workflows.test_spec_states import MACHINE
from workflows.spec.bundles import Bundle
from workflows.spec.conditions import ConditionError, ConditionFailed
from workflows.spec.errors import MAX_PROBLEMS, SpecError, SpecProblem
from workflows.spec.graph import Graph
from workflows.spec.loading import load, load_bundle
from workflows.spec.models import MAX_STEPS
from workflows.spec.source import MAX_BYTES, MAX_DEPTH
from workflows.spec.values import compile_value

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.yaml"))
EXPECTED = re.compile(rb"# expect (\d+):(\d+) ([^\r\n]*)")
# Of the processor's time; wide for a busy machine, the slowest takes a third of it.
SECONDS = 0.5
HOSTILE_SECONDS = 1.5
QUOTES = "\\'"
HEAD = 'name: shop\nversion: "1"\n'


def steps(count: int) -> str:
    return HEAD + "steps:\n" + "".join(f"- {{id: s{n}, type: reply}}\n" for n in range(count))


def refused(source: str, seconds: float) -> SpecError:
    """Load a bad text within the time; returns what is said of it."""
    began = time.process_time()
    with pytest.raises(SpecError) as caught:
        load(source, KINDS)
    assert time.process_time() - began < seconds
    return caught.value


def test_corpus_is_large() -> None:
    assert len(CORPUS) >= 60


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_malformed_file_is_refused_where_it_says(path: Path) -> None:
    raw = path.read_bytes()
    expected = EXPECTED.search(raw)
    assert expected is not None
    error = refused(raw.decode("utf-8", "surrogateescape"), SECONDS)
    found = error.problems[0]
    message = expected[3].decode()
    assert (found.line, found.column) == (int(expected[1]), int(expected[2])), str(error)
    assert message in found.message


HOSTILE = {
    "ten megabytes": "#" * 10_000_000,
    "ten megabytes of values": "a: b\n" * 2_000_000,
    "just the limit of bytes": "a: '" + "x" * (MAX_BYTES - 6) + "'\n",
    "five thousand steps": steps(4_900),
    "a step too many": steps(MAX_STEPS + 1),
    "open brackets": "a: " + "[" * 100_000,
    "open braces": "a: " + "{a: " * 30_000,
    "open lists": "- " * 60_000,
    "open keys": "? " * 60_000,
    "many values": "a: [" + "1," * 60_000 + "]",
    "many unknown keys": "".join(f"a{n}: b\n" for n in range(13_000)),
    "one key again and again": "a: b\n" * 19_000,
    "many bad steps": HEAD + "steps:\n" + "- a\n" * 30_000,
    "quotes": "a: " + "'" * 130_000,
    "colons": ":" * 130_000,
    "brackets in a condition": HEAD + f"steps: [{{id: a, type: reply, if: '{'(' * 900}'}}]\n",
    "brackets in a value": HEAD + f"result: {{a: '{'${[' * 20_000}'}}\nsteps: []\n",
    "quotes in a value": HEAD + f"result:\n  a: >-\n    ${{ {QUOTES * 20_000} }}\nsteps: []\n",
    "quotes in many values": (
        HEAD + "result:\n  a: >-\n    " + ("${" + QUOTES * 490 + " }") * 60 + "\nsteps: []\n"
    ),
    "quotes in conditions": HEAD
    + "steps:\n"
    + "".join(f"- id: a{n}\n  type: reply\n  if: >-\n    {QUOTES * 490}\n" for n in range(100)),
    "dollars": HEAD + f"result: {{a: '{'$' * 100_000}{'{' * 20_000}'}}\nsteps: []\n",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_file_costs_little(case: str) -> None:
    assert 0 < len(refused(HOSTILE[case], HOSTILE_SECONDS).problems) <= MAX_PROBLEMS


def test_largest_workflow_loads_quickly() -> None:
    began = time.process_time()
    graph = load(steps(MAX_STEPS), KINDS)
    assert len(graph.nodes) == MAX_STEPS
    assert time.process_time() - began < SECONDS


def test_containers_nest_as_deep_as_the_text_may() -> None:
    depth = (MAX_DEPTH - 3) // 3
    inner = "{id: last, type: reply}"
    for n in range(depth):
        inner = f"{{id: l{n}, type: loop, config: {{until: 'true', max: 2, steps: [{inner}]}}}}"
    assert len(load(f"{HEAD}steps: [{inner}]\n", KINDS).nodes) == depth + 1


# --- any text at all

WORDS = st.sampled_from(
    [
        "name: a\n", 'version: "1"\n', "steps:\n", "  - ", "id: a", "type: reply\n", "    ",
        "type: loop", "config:", "{", "}", "[", "]", ",", ":", "- ", "\n", "'", '"', "${", "$${",
        "states:\n", "initial: a\n", "fragment: f", "use: [f]\n", "with: {a: 1}", "next: end",
        "if: ", "text == 'x'", " AND ", "NOT ", "input: {type: object}\n", "\t", "\ufeff", "&a ",
        "*a", "!t ", "|", ">", "? ", "~", "1e999", "é", "\u202e", "\x00", "\ud800", "retry: ", "3",
        "catch: [{next: a}]", "compensate: {tool: t}", "tool: t", "budget: {cost: 1}", "<<: ",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=40).map("".join))


def problems_of(bundle: Bundle) -> tuple[SpecProblem, ...]:
    """Return what is said of a workflow that may be right or wrong; anything else propagates."""
    try:
        load_bundle(bundle, KINDS)
    except SpecError as error:
        found = error.problems
    else:
        return ()
    assert found
    return found


@settings(max_examples=300, deadline=2_000)
@given(source=TEXTS)
def test_any_text_gives_a_graph_or_located_errors(source: str) -> None:
    found = problems_of(Bundle(source))
    assert all(problem.line >= 1 and problem.column >= 1 for problem in found)


@settings(max_examples=200, deadline=2_000)
@given(data=st.data(), source=st.sampled_from([BODIES, MACHINE]))
def test_any_change_to_a_good_file_gives_a_graph_or_located_errors(
    data: st.DataObject, source: str
) -> None:
    at = data.draw(st.integers(0, len(source)))
    upto = data.draw(st.integers(at, min(len(source), at + 12)))
    changed = source[:at] + data.draw(st.one_of(WORDS, st.text(max_size=4))) + source[upto:]
    lines = len(changed.splitlines()) + 1
    assert all(1 <= problem.line <= lines for problem in problems_of(Bundle(changed)))


@settings(max_examples=150, deadline=2_000)
@given(source=TEXTS, fragment=TEXTS, overlay=TEXTS)
def test_any_parts_give_a_graph_or_errors_located_in_one_of_them(
    source: str, fragment: str, overlay: str
) -> None:
    good = HEAD + "use: [f]\nsteps: [{id: a, fragment: f, with: {a: 1}}]\n"
    for bundle in (
        Bundle(good, {"f": fragment}),
        Bundle(BODIES, {"f": fragment}, "overlay_of: shop\n" + overlay),
        Bundle(source, {"f": fragment}, overlay),
    ):
        assert Bundle.from_json(bundle.to_json()) == bundle
        files = {problem.file for problem in problems_of(bundle)}
        assert files <= {"", "fragments/f.yaml", "overlay.yaml"}


EXPRESSIONS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            ["text", "steps", ".", "[", "]", "(", ")", "'a'", "1", "2.5", "==", "AND", "not", "?",
             ":", "&&", "{", "}", "${", "x", ".map(", ".all(", ",", "-", "/", "0", "in", "null"]
        ),
        max_size=25,
    ).map(" ".join),
)  # fmt: skip


@settings(max_examples=300, deadline=2_000)
@given(cel=EXPRESSIONS)
def test_any_condition_and_value_compiles_or_is_located(cel: str) -> None:
    quoted = json.dumps(cel)
    for line in (f"if: {quoted}", f"config: {{a: {quoted}}}"):
        source = f"{HEAD}steps:\n  - id: a\n    type: tool\n    tool: t\n    {line}\n"
        assert {problem.line for problem in problems_of(Bundle(source))} <= {7}


@settings(max_examples=200, deadline=2_000)
@given(cel=EXPRESSIONS, text=st.one_of(st.none(), st.text(max_size=9), st.integers()))
def test_any_value_renders_json_or_says_why_not(cel: str, text: object) -> None:
    try:
        value = compile_value({"a": cel, "b": [f"${{ {cel} }}"]})
        rendered = value.render({"text": text, "steps": {"x": {"a": [1]}}, "x": 2.5})
    except (ConditionError, ConditionFailed):
        return
    assert json.loads(json.dumps(rendered)) == rendered


# --- what is written and read again

IDS = st.sampled_from(["a", "b", "c", "d", "e", "f"])
STEP = st.fixed_dictionaries(
    {"id": IDS},
    optional={
        # PyYAML writes words of YAML 1.1: text such as 1e0 stays unquoted, and is a number here.
        "description": st.text(st.characters(codec="ascii", min_codepoint=32), max_size=20).map(
            "About {}".format
        ),
        "if": st.sampled_from(["text == 'x'", "NOT (channel = 'web')", True]),
        "timeout": st.one_of(st.sampled_from(["500ms", "2h", "1.5d"]), st.integers(1, 99)),
        "retry": st.fixed_dictionaries({}, optional={"max": st.integers(1, 9), "on": IDS}),
        "catch": st.lists(st.fixed_dictionaries({"next": IDS, "on": IDS}), max_size=2),
        "max_visits": st.integers(1, 9),
        "next": IDS,
    },
)


def typed(steps: list[dict[str, object]]) -> list[dict[str, object]]:
    """Make each step one of three types, the last with its fellows inside."""
    kinds = ("router", "set", "loop")
    found: list[dict[str, object]] = []
    for number, step in enumerate(steps):
        kind = kinds[number % 3]
        extra: dict[str, object] = {"type": kind}
        if kind == "set":
            extra["config"] = {"total": "${ 1 + size(text) }", "list": [1, None, "x"]}
        elif kind == "loop":
            inner = [{"id": f"{step['id']}_in", "type": "reply"}]
            extra["config"] = {"until": "index > 2", "max": 3, "steps": inner}
        found.append({**step, **extra})
    return found


def meaning(graph: Graph) -> list[object]:
    """Return everything a run depends on, without the places in the text."""
    nodes = [
        (node.id, node.kind.name, node.config, node.condition, node.next, node.after, node.body)
        for node in graph.nodes.values()
    ]
    policies = [node.policy for node in graph.nodes.values()]
    return [graph.name, nodes, policies, dict(graph.entries), graph.is_cyclic]


@settings(max_examples=200, deadline=2_000)
@given(steps=st.lists(STEP, min_size=1, max_size=5, unique_by=lambda step: step["id"]))
def test_workflow_means_the_same_however_it_is_dumped(steps: list[dict[str, object]]) -> None:
    data = {"name": "shop", "version": "1", "steps": typed(steps)}
    texts = [
        yaml.safe_dump(data, sort_keys=False),
        yaml.safe_dump(data, sort_keys=True, default_flow_style=True),
        json.dumps(data),
    ]
    try:
        first, *others = [load(text, KINDS) for text in texts]
    except SpecError as error:
        messages = {problem.message for problem in error.problems}
        for text in texts:
            found = problems_of(Bundle(text))
            assert {problem.message for problem in found} == messages
        return
    assert [meaning(other) for other in others] == [meaning(first)] * 2
    again = Bundle.from_json(first.bundle.to_json())
    assert load_bundle(again, KINDS).content_hash == first.content_hash
