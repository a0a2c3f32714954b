"""Overlays: a workspace's changes to a workflow of the release, by step id."""

import pytest

from tests.workflows.kinds import KINDS
from workflows.spec.bundles import Bundle
from workflows.spec.errors import SpecError
from workflows.spec.graph import Graph
from workflows.spec.loading import load_bundle

SOURCE = """\
name: shop
version: "1"
steps:
  - {id: route, type: router}
  - id: each
    type: loop
    config:
      until: index > 3
      max: 5
      steps:
        - {id: look, type: knowledge}
        - {id: note, type: set, config: {seen: "${ support }"}}
  - {id: send, type: reply}
"""
HEAD = "overlay_of: shop\n"


def loaded(overlay: str, **fragments: str) -> Graph:
    return load_bundle(Bundle(SOURCE, fragments, HEAD + overlay), KINDS)


def test_steps_are_added_before_and_after() -> None:
    graph = loaded(
        "add:\n  - {before: send, steps: [{id: a, type: router}, {id: b, type: router}]}\n"
        "  - {after: look, steps: [{id: c, type: router}]}\n"
    )
    roots = [node.id for node in graph.nodes.values() if not node.body]
    assert roots == ["route", "each", "a", "b", "send"]
    assert graph.nodes["look"].next == "c"


def test_step_is_replaced_as_a_whole() -> None:
    node = loaded("replace: [{id: send, type: escalation}]\n").nodes["send"]
    assert node.kind.name == "escalation"


def test_steps_are_removed_also_inside_others() -> None:
    assert set(loaded("remove: [route, note]\n").nodes) == {"each", "look", "send"}


def test_overlay_may_use_fragments() -> None:
    part = "name: part\nsteps: [{id: x, type: router}]\n"
    graph = loaded(
        "use: [part]\nadd: [{after: route, steps: [{id: p, fragment: part}]}]\n", part=part
    )
    assert graph.nodes["route"].next == "p"


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ("remove: [nope]\n", "overlay.yaml:2:10: The workflow has no step 'nope'"),
        ("replace: [{id: nope, type: reply}]\n", "overlay.yaml:2:16: The workflow has no step"),
        ("replace: [{type: reply}]\n", "overlay.yaml:2:11: The workflow has no step ''"),
        ("add: [{before: nope, steps: [{id: a, type: reply}]}]\n", "overlay.yaml:2:16: The workfl"),
        ("add: [{steps: [{id: a, type: reply}]}]\n", "overlay.yaml:2:7: Give 'before' or 'after'"),
        (
            "add: [{before: send, steps: [{id: a, type: magic}]}]\n",
            "overlay.yaml:2:44: Unknown step",
        ),
        ("add: [{before: send, steps: [{id: look, type: reply}]}]\n", "already stands on line"),
        ("remove: [look, note]\n", "workflow.yaml:11:9: List should have at least 1"),
        ("remove: [each, each]\n", "overlay.yaml:2:16: The workflow has no step 'each'"),
        ("colour: red\n", "overlay.yaml:2:1: Unknown key 'colour'"),
        ("add: [\n", "overlay.yaml:3:1: Not valid YAML"),
    ],
)
def test_mistake_in_an_overlay_is_located(overlay: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        loaded(overlay)
    assert message in str(caught.value)


def test_overlay_of_another_workflow_is_refused() -> None:
    with pytest.raises(SpecError, match=r"overlay.yaml:1:13: The workflow is named 'shop'"):
        load_bundle(Bundle(SOURCE, {}, "overlay_of: other\n"), KINDS)


def test_pointer_is_that_of_the_own_file() -> None:
    with pytest.raises(SpecError) as caught:
        loaded("add: [{before: send, steps: [{id: a, type: magic}]}]\n")
    assert [found.pointer for found in caught.value.problems] == ["/add/0/steps/0/type"]
