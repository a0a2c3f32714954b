"""Fragments: steps written once, used in several places, with mistakes told where they stand."""

import pytest

from tests.workflows.kinds import KINDS
from workflows.spec.bundles import Bundle, bundle_gather
from workflows.spec.errors import SpecError
from workflows.spec.graph import Graph
from workflows.spec.kinds import END
from workflows.spec.loading import content_hash, load, load_bundle

HEAD = 'name: shop\nversion: "1"\nuse: [ask_shop]\nsteps:\n'
ASK = """\
name: ask_shop
parameters:
  number: {description: Which order}
  limit: {default: 3}
steps:
  - {id: look, type: knowledge, config: {limit: "${ with.limit }"}}
  - id: find
    type: tool
    tool: find
    if: support < 0.5 and steps.look.mode == 'fast'
    next: end
    catch: [{on: timeout, next: sorry}]
    config: {number: "${ with.number }", note: "No ${ with.number } of ${ steps['look'].count }"}
  - {id: sorry, type: reply}
"""
USE = "  - {id: ask, fragment: ask_shop, with: {number: '${ input.number }'}}\n"


def loaded(steps: str, **fragments: str) -> Graph:
    return load_bundle(Bundle(HEAD + steps, {"ask_shop": ASK, **fragments}), KINDS)


def errors(steps: str, **fragments: str) -> str:
    with pytest.raises(SpecError) as caught:
        loaded(steps, **fragments)
    return str(caught.value)


def test_use_becomes_the_steps_of_the_fragment() -> None:
    nodes = loaded(USE + "  - {id: last, type: reply}\n").nodes
    assert list(nodes) == ["ask", "ask_find", "ask_sorry", "last"]
    assert nodes["ask_find"].next == "last"
    assert nodes["ask_find"].policy.catches[0].next == "ask_sorry"
    assert nodes["ask_sorry"].next == "last"


def test_end_of_a_fragment_ends_where_nothing_follows() -> None:
    nodes = loaded(USE).nodes
    assert (nodes["ask_find"].next, nodes["ask_sorry"].next) == (END, END)


def test_use_may_lead_elsewhere() -> None:
    nodes = loaded(
        USE.replace("}}", "}, next: c}")
        + "  - {id: b, type: escalation}\n"
        + "  - {id: c, type: branch, config: {cases: [{when: true, next: b}], default: d}}\n"
        + USE.replace("id: ask", "id: d")
    ).nodes
    assert (nodes["ask_find"].next, nodes["ask_sorry"].next) == ("c", "c")
    assert {edge.target for edge in nodes["c"].edges} == {"b", "d"}


def test_conditions_and_values_name_the_steps_of_their_own_use() -> None:
    find = loaded(USE).nodes["ask_find"]
    assert find.condition is not None
    scope = {"support": 0.1, "steps": {"ask": {"mode": "fast", "count": 4}}, "input": {"number": 7}}
    assert find.condition.holds(scope)
    assert find.config.render(scope) == {"number": 7, "note": "No 7 of 4"}  # type: ignore[attr-defined]


def test_parameter_keeps_its_type() -> None:
    given = loaded(USE.replace("with: {", "with: {limit: 5, ")).nodes["ask"].config
    assert given.limit == 5  # type: ignore[attr-defined]
    assert loaded(USE).nodes["ask"].config.limit == 3  # type: ignore[attr-defined]


def test_fragment_may_be_used_twice_and_inside_other_steps() -> None:
    steps = (
        "  - id: both\n    type: parallel\n    config:\n      branches:\n"
        "        one: [{id: a, fragment: ask_shop, with: {number: 1}}]\n"
        "        two: [{id: b, fragment: ask_shop, with: {number: 2}}]\n"
    )
    graph = loaded(steps)
    assert graph.entries == {"": "both", "both.one": "a", "both.two": "b"}
    assert graph.nodes["b_sorry"].body == "both.two"


def test_fragment_may_use_another() -> None:
    outer = (
        "name: outer\nuse: [ask_shop]\nsteps:\n"
        "  - {id: one, fragment: ask_shop, with: {number: 1}}\n  - {id: two, type: reply}\n"
    )
    source = HEAD.replace("[ask_shop]", "[outer]") + "  - {id: x, fragment: outer}\n"
    nodes = load_bundle(Bundle(source, {"outer": outer, "ask_shop": ASK}), KINDS).nodes
    assert list(nodes) == ["x", "x_find", "x_sorry", "x_two"]
    assert nodes["x_find"].next == "x_two"
    assert nodes["x_find"].condition is not None


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("  - {id: a, fragment: nope}\n", "5:23: The file does not name the fragment 'nope'"),
        ("  - {id: a, fragment: ask_shop}\n", "5:5: The fragment needs 'number'"),
        ("  - {fragment: ask_shop, with: {number: 1}}\n", "5:5: A use of a fragment needs an id"),
        (USE.replace("number:", "nummer:"), "5:42: The fragment takes no 'nummer' (it takes"),
        (USE.replace("with:", "config:"), "5:35: A use of a fragment takes"),
        (USE.replace("with: {", "with: {limit: 99, "), "workflow.yaml:5:49: Input should be less"),
        (USE.replace("'${ input.number }'", "[1]"), "fragments/ask_shop.yaml:13:48: The parameter"),
    ],
)
def test_mistake_in_a_use_is_located(steps: str, message: str) -> None:
    assert message in errors(steps)


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ("next: end", "next: nowhere", "fragments/ask_shop.yaml:11:11: There is no step 'nowhere'"),
        ("support <", "suport <", "fragments/ask_shop.yaml:10:9: Unknown name 'suport'"),
        ("with.limit", "with.limits", "fragments/ask_shop.yaml:6:49: The fragment has no param"),
        ("type: reply}", "type: magic}", "fragments/ask_shop.yaml:14:23: Unknown step type"),
        ("name: ask_shop", "name: other", "fragments/ask_shop.yaml:1:7: The fragment is stored as"),
        ("parameters:", "parameter:", "fragments/ask_shop.yaml:2:1: Unknown key 'parameter'"),
        ("steps:", "steps: [", "fragments/ask_shop.yaml:6:3: Not valid YAML"),
    ],
)
def test_mistake_in_a_fragment_is_located_in_its_file(
    written: str, instead: str, message: str
) -> None:
    assert message in errors(USE, ask_shop=ASK.replace(written, instead))


def test_fragments_that_use_each_other_are_refused() -> None:
    circle = "name: ask_shop\nuse: [ask_shop]\nsteps: [{id: a, fragment: ask_shop}]\n"
    assert "without an end: ask_shop → ask_shop" in errors(
        "  - {id: a, fragment: ask_shop}\n", ask_shop=circle
    )


def test_fragments_cannot_multiply_without_bound() -> None:
    parts = {
        f"f{n}": f"name: f{n}\nuse: [f{n + 1}]\nsteps:\n"
        + "".join(f"  - {{id: s{i}, fragment: f{n + 1}}}\n" for i in range(50))
        for n in range(4)
    }
    parts["f4"] = "name: f4\nsteps: [{id: a, type: reply}]\n"
    source = 'name: shop\nversion: "1"\nuse: [f0]\nsteps: [{id: a, fragment: f0}]\n'
    with pytest.raises(SpecError, match="at most 500 steps"):
        load_bundle(Bundle(source, parts), KINDS)


def test_hash_covers_every_part() -> None:
    source = HEAD + USE
    assert Bundle(source).content_hash == content_hash(source)
    hashes = {
        bundle.content_hash
        for bundle in (
            Bundle(source),
            Bundle(source, {"ask_shop": ASK}),
            Bundle(source, {"ask_shop": ASK + " "}),
            Bundle(source, {"ask_shop": ASK}, "overlay_of: shop\n"),
        )
    }
    assert len(hashes) == 4
    assert load_bundle(Bundle(source, {"ask_shop": ASK}), KINDS).content_hash in hashes


def test_bundle_is_written_and_read_back() -> None:
    bundle = Bundle("ü\ud800", {"b": "2", "a": "1"}, "x")
    again = Bundle.from_json(bundle.to_json())
    assert again == bundle
    assert again.content_hash == bundle.content_hash


@pytest.mark.parametrize(
    "bundle",
    [
        Bundle("name: a\n"),
        Bundle("name: a\n", {"f": "x"}),
        Bundle("name: a\n", {}, "overlay_of: a\n"),
        Bundle('{"source":1}'),
        Bundle('{"source":"a","fragments":{"f":"x"},"overlay":"" }'),
        Bundle('{"source":"a","fragments":{},"overlay":""}'),
        Bundle('{"source":"a","fragments":{"f":1},"overlay":""}'),
    ],
)
def test_stored_text_gives_the_same_bundle(bundle: Bundle) -> None:
    assert Bundle.from_stored(bundle.stored) == bundle
    assert content_hash(bundle.stored) == bundle.content_hash


@pytest.mark.parametrize("text", ["[]", "{}", '{"source":"a"}', "x", '{"source":1,"overlay":""}'])
def test_parts_that_nobody_wrote_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Bundle.from_json(text)


def test_parts_are_bounded_together() -> None:
    parts = {f"f{n}": "#" * 100_000 for n in range(6)}
    with pytest.raises(SpecError, match="1:1: The parts of the workflow have"):
        load_bundle(Bundle(HEAD + USE, parts), KINDS)


def test_gathering_takes_what_is_used_directly_or_not() -> None:
    outer = "name: outer\nuse: [ask_shop, outer]\nsteps: []\n"
    available = {"outer": outer, "ask_shop": ASK, "unused": "name: unused\n"}
    bundle = bundle_gather("name: a\nuse: [outer, unknown]\n", available)
    assert set(bundle.fragments) == {"outer", "ask_shop"}
    assert bundle_gather("a: [", available).fragments == {}


def test_use_of_a_fragment_needs_the_bundle() -> None:
    with pytest.raises(SpecError, match="There is no fragment 'ask_shop'"):
        load(HEAD + USE, KINDS)
